package websocket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/workerman-go/wm/protocol"
)

// The close codes this side knows, RFC 6455 section 7.4.1.
const (
	codeNormal     = 1000
	codeGoingAway  = 1001
	codeProtocol   = 1002
	codeNone       = 1005 // stands for a close frame without a code
	codeBadPayload = 1007
	codeTooBig     = 1009
	codeRestart    = 1012 // of the registry that RFC 6455 founded: service restart
)

// maxReason is what a control frame has room for behind the code.
const maxReason = maxControl - 2

// What ends a connection that breaks the rules, with the close frame that says
// so, as servers send it.
var (
	protocolError = closing(codeProtocol, "frame against the protocol")
	invalidText   = closing(codeBadPayload, "text that is not UTF-8")
	invalidData   = closing(codeBadPayload, "compressed data that cannot be inflated")
	messageTooBig = closing(codeTooBig, "message above the maximum package size")
)

// AppendCode returns these for what may not travel in a close frame.
var (
	errCode   = errors.New("websocket: this close code may not be sent")
	errReason = errors.New("websocket: a close reason is at most 123 bytes of UTF-8")
)

func closing(code uint16, why string) *protocol.Reject {
	return &protocol.Reject{Reply: appendClose(nil, false, code, ""), Why: "websocket: " + why}
}

func appendClose(dst []byte, masks bool, code uint16, reason string) []byte {
	var payload [maxControl]byte
	binary.BigEndian.PutUint16(payload[:], code)
	n := 2 + copy(payload[2:], reason)
	return appendFrame(dst, masks, bitFin|byte(opClose), payload[:n])
}

// refuse returns r as this side may say it: masked by a client, and silently
// when the close frame is out already.
func (s *session) refuse(r *protocol.Reject) error {
	if s.closed {
		return &protocol.Reject{Why: r.Why}
	}
	s.closed = true
	if !s.dialled {
		return r
	}
	code := binary.BigEndian.Uint16(r.Reply[headerBytes:])
	return &protocol.Reject{Reply: appendClose(nil, true, code, ""), Why: r.Why}
}

// peerCloses tells the author, or else returns the peer's close code, 1000 when
// it gave none, and closes. An answer to our own close frame ends quietly.
func (s *session) peerCloses(payload []byte, c protocol.Conn) error {
	code := uint16(codeNone)
	switch {
	case len(payload) == 1:
		return s.refuse(protocolError)
	case len(payload) >= 2:
		code, payload = binary.BigEndian.Uint16(payload), payload[2:]
		if !validCode(int(code)) {
			return s.refuse(protocolError)
		}
		if !utf8.Valid(payload) {
			return s.refuse(invalidText)
		}
	}
	s.ended = true
	if s.closed {
		c.Close()
		return protocol.Skip
	}
	if c.Event(&CloseReceived{Code: int(code), Reason: string(payload)}) {
		return protocol.Skip
	}
	if code == codeNone {
		code = codeNormal
	}
	if !s.closed {
		s.closed = true
		// What does not fit any more is lost.
		_ = c.SendRaw(appendClose(nil, s.dialled, code, ""))
	}
	c.Close()
	return protocol.Skip
}

// validCode accepts the codes that may travel, RFC 6455 section 7.4 and the
// registry it founded: 1004-1006 and 1015 are only for use inside a program.
func validCode(code int) bool {
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014:
		return true
	}
	return code >= 3000 && code <= 4999
}

// AppendFarewell sends a close frame before this side closes an open
// connection, unless one is out already (trap T76).
func (*websocket) AppendFarewell(dst []byte, why protocol.Occasion, c protocol.Conn) []byte {
	code := uint16(codeNormal)
	switch why {
	case protocol.Stopping:
		code = codeGoingAway
	case protocol.Restarting:
		code = codeRestart
	}
	return appendFarewell(dst, code, "", c)
}

// AppendCode is AppendFarewell with a code of 1000-1003, 1007-1014 or 3000-4999
// and a reason of at most 123 bytes of UTF-8; others are refused. Before the
// handshake there is nobody to tell.
func (*websocket) AppendCode(dst []byte, code int, reason string, c protocol.Conn) ([]byte, error) {
	switch {
	case code < 0 || code > math.MaxUint16 || !validCode(code):
		return dst, fmt.Errorf("%w: %d", errCode, code)
	case len(reason) > maxReason || !utf8.ValidString(reason):
		return dst, errReason
	}
	return appendFarewell(dst, uint16(code), reason, c), nil
}

func appendFarewell(dst []byte, code uint16, reason string, c protocol.Conn) []byte {
	s, open := c.State().(*session)
	if !open || s.closed {
		return dst
	}
	s.closed = true
	return appendClose(dst, s.dialled, code, reason)
}
