package websocket

import (
	"unicode/utf8"

	"github.com/workerman-go/wm/protocol"
)

// decode handles one whole frame that input has found to be in order. After
// protocol.Again it is the same one once more.
func (s *session) decode(frame []byte, c protocol.Conn) ([]byte, error) {
	if s.ended {
		return nil, protocol.Skip
	}
	if s.fragments.inflating() { // the frame was unmasked and copied before
		return s.inflate(s.fragments.unpacker, c)
	}
	payload := unmask(frame)
	op := opcode(frame[0] & bitsOpcode)
	if op&bitControl != 0 {
		return nil, s.control(frame, payload, c)
	}
	if op != opContinuation {
		s.kind = op
		s.compressed = frame[0]&bitRSV1 != 0
	}
	if frame[0]&bitFin == 0 {
		return nil, s.collect(payload)
	}
	return s.complete(payload, c)
}

// complete returns the message of which payload is the last, or only, part.
func (s *session) complete(payload []byte, c protocol.Conn) ([]byte, error) {
	valid := 0
	if f := s.fragments; f != nil {
		payload, valid = append(f.bytes, payload...), f.valid
		s.fragments = nil
	}
	if s.compressed {
		return s.inflate(s.extension.unpack(payload), c)
	}
	return s.deliver(payload, valid)
}

// deliver returns a whole message, of which so many bytes are known to be valid.
func (s *session) deliver(message []byte, valid int) ([]byte, error) {
	s.binary = s.kind == opBinary
	s.kind = opContinuation
	if !s.binary && !utf8.Valid(message[valid:]) {
		return nil, s.refuse(invalidText)
	}
	return message, nil
}
