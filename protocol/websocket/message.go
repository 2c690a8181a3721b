package websocket

import (
	"unicode/utf8"

	"github.com/workerman-go/wm/protocol"
)

// decode handles one whole frame that input has found to be in order.
func (s *session) decode(frame []byte, c protocol.Conn) ([]byte, error) {
	op := opcode(frame[0] & bitsOpcode)
	if op == opPing {
		return nil, pong(frame, c)
	}
	payload := unmask(frame)
	switch op {
	case opPong:
		return nil, protocol.Skip
	case opClose:
		return nil, s.peerCloses(payload, c)
	}
	if op != opContinuation {
		s.kind = op
	}
	if frame[0]&bitFin == 0 {
		s.fragments = append(s.fragments, payload...)
		return nil, protocol.Skip
	}
	return s.complete(payload)
}

// complete returns the message of which payload is the last, or only, part.
func (s *session) complete(payload []byte) ([]byte, error) {
	if s.fragments != nil {
		payload = append(s.fragments, payload...)
		s.fragments = nil
	}
	s.binary = s.kind == opBinary
	s.kind = opContinuation
	if !s.binary && !utf8.Valid(payload) {
		return nil, invalidText
	}
	return payload, nil
}

// pong answers a ping with its own payload, features.md 30.14. The reply is
// made inside the frame, over the mask that is no longer needed.
func pong(frame []byte, c protocol.Conn) error {
	payload := unmask(frame)
	reply := frame[len(frame)-len(payload)-headerBytes:]
	reply[0] = bitFin | byte(opPong)
	reply[1] = byte(len(payload))
	// A full buffer loses the pong and not the connection: it is the author's
	// messages that the peer is slow to read.
	_ = c.SendRaw(reply)
	return protocol.Skip
}
