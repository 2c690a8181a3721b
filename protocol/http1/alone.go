package http1

import "github.com/workerman-go/wm/protocol"

// What another protocol needs that begins with a request, or that has to
// refuse one.

// ParseRequest reads a whole request without a body, such as the one that opens
// a websocket, on c, which may be nil. The bytes of frame must stay as they are
// for as long as the Request is used. An error is what http:// would have
// answered.
func ParseRequest(frame []byte, c protocol.Conn) (*Request, error) {
	r := &Request{frame: frame, conn: c}
	if err := r.head.parse(frame); err != nil {
		return nil, err
	}
	if r.head.length != len(frame) {
		return nil, badRequest
	}
	return r, nil
}

// AppendFinal appends r as the last thing that is said on a connection; a file is read
// into memory, and refused above 1 MiB.
func AppendFinal(dst []byte, r *Response) ([]byte, error) {
	return (&exchange{}).encodeResponse(dst, r, closes, nil)
}
