package websocket

import (
	"unicode/utf8"

	"github.com/workerman-go/wm/protocol"
)

// decode handles one whole frame that input has found to be in order.
func (s *session) decode(frame []byte, c protocol.Conn) ([]byte, error) {
	if s.ended {
		return nil, protocol.Skip
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
	s.binary = s.kind == opBinary
	s.kind = opContinuation
	if f := s.fragments; f != nil {
		payload, valid = append(f.bytes, payload...), f.valid
		s.fragments = nil
	}
	if s.compressed {
		message, reject := s.extension.inflate(payload, c.MaxPackage())
		if reject != nil {
			return nil, s.refuse(reject)
		}
		payload = message
	}
	if !s.binary && !utf8.Valid(payload[valid:]) {
		return nil, s.refuse(invalidText)
	}
	return payload, nil
}
