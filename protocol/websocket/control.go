package websocket

import "github.com/workerman-go/wm/protocol"

// control handles one whole control frame; payload is that of frame.
func (s *session) control(frame, payload []byte, c protocol.Conn) error {
	switch opcode(frame[0] & bitsOpcode) {
	case opClose:
		return s.peerCloses(payload, c)
	case opPong:
		c.Event(&Pong{payload})
	case opPing:
		if !c.Event(&Ping{payload}) && !s.closed {
			s.pong(frame, payload, c)
		}
	}
	return protocol.Skip
}

// pong answers a ping with its own payload, features.md 30.14. A server's reply
// is made inside the frame, over the mask that is no longer needed.
func (s *session) pong(frame, payload []byte, c protocol.Conn) {
	var reply []byte
	if s.dialled {
		reply = appendFrame(nil, true, bitFin|byte(opPong), payload)
	} else {
		reply = frame[len(frame)-len(payload)-headerBytes:]
		reply[0] = bitFin | byte(opPong)
		reply[1] = byte(len(payload))
	}
	// A full buffer loses the pong and not the connection, and nobody hears of
	// it: such a ping was taken. It is the author's messages that the peer is
	// slow to read.
	_ = c.SendRaw(reply)
}

// AppendPing appends a ping as c sends it, for Conn.SendRaw: masked on dialled
// connections. Data above 125 bytes is cut off. Before the handshake and behind
// the close frame nothing is appended.
func AppendPing(dst, data []byte, c protocol.Conn) []byte {
	return appendControl(dst, opPing, data, c)
}

// AppendPong is AppendPing for a pong: the answer to a Ping that was taken, with
// its data, or a sign of life that nobody asked for.
func AppendPong(dst, data []byte, c protocol.Conn) []byte {
	return appendControl(dst, opPong, data, c)
}

func appendControl(dst []byte, op opcode, data []byte, c protocol.Conn) []byte {
	s, open := c.State().(*session)
	if !open || s.closed {
		return dst
	}
	return appendFrame(dst, s.dialled, bitFin|byte(op), data[:min(len(data), maxControl)])
}
