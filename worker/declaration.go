package worker

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/frame"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/protocol/websocket"
)

// builtin are the protocols that an address can name without Register.
var builtin = map[string]protocol.Protocol{
	"text":      text.Protocol,
	"frame":     frame.Protocol,
	"http":      http1.Protocol,
	"websocket": websocket.Protocol,
}

// offerBuiltin makes them known to protocol.Lookup, before anybody looks.
var offerBuiltin = sync.OnceFunc(func() {
	for scheme, p := range builtin {
		protocol.Builtin(scheme, p)
	}
})

// Declaration is what a Worker says about itself before any process serves
// it. For the harness only: the probe makes the master's Spec of it.
type Declaration struct {
	App     string // "main" outside any App
	Name    string
	Address string // as the author typed it
	Listen  string // "http://127.0.0.1:2345", scheme in lower case, or "none"
	Source  string // "apps/hello/start.go:14", the call of New
	Err     string // why it cannot be started, with the address

	Transport, Protocol string // "tcp", and the scheme of the protocol; "" is raw
	Network, Host       string // for the listener: "tcp" and host:port

	Count, Backlog, MaxProcs  int
	User, Group               string
	Reloadable, StopFirst     bool
	ReadyTimeout, StopTimeout time.Duration
	HangTimeout, MaxAge       time.Duration
	MaxRequests, MaxMemory    int64
}

// Declaration returns what the author declared, as it is now. For the harness
// only; it is called in the probe and in worker processes, after Start.
func (w *Worker) Declaration() Declaration {
	d := Declaration{
		App: w.app, Name: w.Name, Address: w.address, Listen: "none", Source: w.source,
		Count: max(w.Count, 1), Backlog: positive(w.Backlog, defaultBacklog),
		MaxProcs: positive(w.Life.MaxProcs, 2), User: w.User, Group: w.Group,
		Reloadable: w.Reloadable, StopFirst: w.Life.StopFirst,
		ReadyTimeout: positive(w.Life.ReadyTimeout, defaultReadyTimeout), StopTimeout: w.Life.StopTimeout,
		HangTimeout: w.Life.HangTimeout, MaxAge: w.Life.MaxAge,
		MaxRequests: w.Life.MaxRequests, MaxMemory: w.Life.MaxMemory,
	}
	if d.Name == "" {
		d.Name = "none"
	}
	if w.address == "" {
		return d
	}
	if err := w.resolve(&d); err != nil {
		d.Err = err.Error()
	}
	return d
}

// resolve fills what comes from the address and the protocol.
func (w *Worker) resolve(d *Declaration) error {
	a, err := parseAddress(w.address)
	d.Listen = a.text
	if err != nil {
		d.Listen = w.address
		return err
	}
	d.Transport, d.Network, d.Host = "tcp", "tcp", a.host
	if w.Transport != "tcp" && w.Transport != "" {
		d.Transport = w.Transport
		if later[w.Transport] {
			return fmt.Errorf("%s: transport %s is not built in this version",
				w.address, w.Transport)
		}
		return fmt.Errorf("%s: unknown transport %s", w.address, w.Transport)
	}
	p, err := w.speaks(a)
	if err != nil {
		return err
	}
	d.Protocol = protocolName(a.scheme, w.Protocol)
	if missing := w.missing(p); missing != "" {
		return fmt.Errorf("%s: %s is not set, and it is what the protocol delivers to",
			w.address, missing)
	}
	return nil
}

// speaks returns the protocol of the Worker; nil is raw.
func (w *Worker) speaks(a address) (protocol.Protocol, error) {
	if w.Protocol != nil {
		return w.Protocol, nil
	}
	if a.scheme == "tcp" {
		return nil, nil
	}
	offerBuiltin()
	if p, ok := protocol.Lookup(a.scheme); ok {
		return p, nil
	}
	return nil, fmt.Errorf("%s: unknown scheme %s, no protocol of this name is registered",
		w.address, a.scheme)
}

// missing names the callback without which nothing of the protocol's messages
// would arrive.
func (w *Worker) missing(p protocol.Protocol) string {
	switch {
	case p == nil, isA(p, text.Protocol), isA(p, frame.Protocol), isA(p, websocket.Protocol):
		if w.OnMessage == nil {
			return "OnMessage"
		}
	case isA(p, http1.Protocol):
		if w.OnRequest == nil {
			return "OnRequest"
		}
	case w.OnMessage == nil && w.OnValue == nil && w.OnRequest == nil:
		return "OnMessage or OnValue"
	}
	return ""
}

// isA compares types, because values of an author's protocol need not be
// comparable.
func isA(p, other protocol.Protocol) bool {
	return reflect.TypeOf(p) == reflect.TypeOf(other)
}

// protocolName is what status and connections show: the scheme, or the name
// of the type that was set by hand.
func protocolName(scheme string, p protocol.Protocol) string {
	if p == nil {
		if scheme == "tcp" {
			return ""
		}
		return scheme
	}
	for name, b := range builtin {
		if isA(p, b) {
			return name
		}
	}
	name := strings.TrimLeft(fmt.Sprintf("%T", p), "*")
	return strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
}
