package binarytransfer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/workerman-go/wm/examples/upload"
	"github.com/workerman-go/wm/protocol"
)

// headerBytes is the size of the two lengths in front of the name.
const headerBytes = 5

var (
	errShort = fmt.Errorf("binarytransfer: length below header and name: %w", protocol.ErrBad)
	errName  = errors.New("binarytransfer: file name above 255 bytes")
	errHuge  = errors.New("binarytransfer: file above 4 GiB")
)

// Protocol carries files (features.md 24.4):
//
//	4 bytes   length of the whole frame, network byte order
//	1 byte    length of the name
//	          name
//	          content, to the end of the frame
type Protocol struct{}

// Input returns the length that the header says, and 0 as long as the header is
// not complete. The name must fit in.
func (Protocol) Input(buf []byte, c protocol.Conn) (int, error) {
	if len(buf) < headerBytes {
		return 0, nil
	}
	length, name := int64(binary.BigEndian.Uint32(buf)), int64(buf[4])
	switch {
	case length < headerBytes+name:
		return 0, errShort
	case length > int64(c.MaxPackage()):
		return 0, upload.ErrTooLarge
	}
	return int(length), nil
}

// Decode returns an upload.File with a copy of the content: it is saved after
// the callback has returned, when frame is gone.
func (Protocol) Decode(frame []byte, _ protocol.Conn) (any, error) {
	name, data := frame[headerBytes:], frame[headerBytes+int(frame[4]):]
	return upload.File{Name: string(name[:frame[4]]), Data: bytes.Clone(data)}, nil
}

// Encode appends an upload.File, for clients, as Decode reads it. Everything
// else is an answer of the server and goes as text.
func (Protocol) Encode(dst []byte, v any, _ protocol.Conn) ([]byte, error) {
	f, ok := v.(upload.File)
	if !ok {
		return protocol.AppendText(dst, v)
	}
	length := headerBytes + len(f.Name) + len(f.Data)
	switch {
	case len(f.Name) > math.MaxUint8:
		return dst, errName
	case length > math.MaxUint32:
		return dst, errHuge
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(length))
	dst = append(dst, byte(len(f.Name)))
	dst = append(dst, f.Name...)
	return append(dst, f.Data...), nil
}
