package websocket

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/workerman-go/wm/protocol"
)

// The close codes this side sends, RFC 6455 section 7.4.1.
const (
	codeNormal     = 1000
	codeGoingAway  = 1001
	codeProtocol   = 1002
	codeBadPayload = 1007
	codeTooBig     = 1009
)

// What ends a connection that breaks the rules, with the close frame that says so.
var (
	protocolError = closing(codeProtocol, "frame against the protocol")
	invalidText   = closing(codeBadPayload, "text that is not UTF-8")
	messageTooBig = closing(codeTooBig, "message above the maximum package size")
)

func closing(code uint16, why string) error {
	return &protocol.Reject{Reply: appendClose(nil, code), Why: "websocket: " + why}
}

func appendClose(dst []byte, code uint16) []byte {
	dst = append(dst, bitFin|byte(opClose), 2)
	return binary.BigEndian.AppendUint16(dst, code)
}

// peerCloses returns the peer's close code, 1000 when it gave none, and closes.
func (s *session) peerCloses(payload []byte, c protocol.Conn) error {
	code := uint16(codeNormal)
	switch {
	case len(payload) == 1:
		return protocolError
	case len(payload) >= 2:
		code = binary.BigEndian.Uint16(payload)
		if !validCode(code) {
			return protocolError
		}
		if !utf8.Valid(payload[2:]) {
			return invalidText
		}
	}
	s.closed = true
	_ = c.SendRaw(appendClose(nil, code)) // what does not fit any more is lost
	c.Close()
	return protocol.Skip
}

// validCode accepts the codes that may travel, RFC 6455 section 7.4 and the
// registry it founded: 1004-1006 and 1015 are only for use inside a program.
func validCode(code uint16) bool {
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014:
		return true
	}
	return code >= 3000 && code <= 4999
}

// AppendFarewell sends a close frame before this side closes an open
// connection, unless one is out already (trap T76).
func (websocket) AppendFarewell(dst []byte, leaving bool, c protocol.Conn) []byte {
	s, open := c.State().(*session)
	if !open || s.closed {
		return dst
	}
	s.closed = true
	if leaving {
		return appendClose(dst, codeGoingAway)
	}
	return appendClose(dst, codeNormal)
}
