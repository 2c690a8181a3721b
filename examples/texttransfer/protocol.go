package texttransfer

import (
	"encoding/json"
	"fmt"

	"github.com/workerman-go/wm/examples/upload"
	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/text"
)

// Protocol carries files as lines of JSON, the content in base64, which is a
// third larger (features.md 24.7):
//
//	{"file_name":"logo.png","file_data":"PD9waHAKLyO..."}
type Protocol struct{}

// Input finds the end of the line as protocol text does: the first line feed,
// wherever reads begin and end (trap T60).
func (Protocol) Input(buf []byte, c protocol.Conn) (int, error) {
	length, err := text.Protocol.Input(buf, c)
	if err != nil {
		return 0, upload.ErrTooLarge
	}
	return length, nil
}

// Decode returns an upload.File.
func (Protocol) Decode(frame []byte, _ protocol.Conn) (any, error) {
	var f upload.File
	if err := json.Unmarshal(frame, &f); err != nil {
		return nil, fmt.Errorf("texttransfer: %w: %w", protocol.ErrBad, err)
	}
	return f, nil
}

// Encode appends an upload.File, for clients, as Decode reads it. Everything
// else is an answer of the server and goes as text.
func (Protocol) Encode(dst []byte, v any, _ protocol.Conn) ([]byte, error) {
	f, ok := v.(upload.File)
	if !ok {
		return protocol.AppendText(dst, v)
	}
	line, err := json.Marshal(f)
	if err != nil {
		return dst, fmt.Errorf("texttransfer: %w", err)
	}
	return append(append(dst, line...), '\n'), nil
}
