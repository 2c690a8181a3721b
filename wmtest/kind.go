package wmtest

import (
	"reflect"

	"github.com/workerman-go/wm/protocol/frame"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/protocol/websocket"
)

// known are the protocols that this package has clients for. They are wanted
// for their types only.
var known = map[string]any{
	"text":      text.Protocol,
	"frame":     frame.Protocol,
	"http":      http1.Protocol,
	"websocket": websocket.Protocol,
}

// kindOf names the client that a Worker needs: one of known, raw, or custom.
func kindOf(f found) string {
	kind := f.d.Protocol
	if kind == "" {
		return "raw"
	}
	p := known[kind]
	if p == nil || f.w.Protocol != nil && reflect.TypeOf(f.w.Protocol) != reflect.TypeOf(p) {
		return "custom"
	}
	return kind
}
