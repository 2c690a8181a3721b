package load

import (
	"bytes"
	"io"
	"net"
	"testing"
)

func TestWebSocketFrames(t *testing.T) {
	for _, c := range []struct {
		size   int
		header string // of the reply
	}{{2, "\x81\x02"}, {125, "\x81\x7d"}, {126, "\x81\x7e\x00\x7e"}, {1024, "\x81\x7e\x04\x00"}} {
		talk := WebSocket(c.size)
		if !bytes.HasPrefix(talk.Reply, []byte(c.header)) || len(talk.Reply) != len(c.header)+c.size {
			t.Errorf("reply of %d bytes is %.8q, %d long", c.size, talk.Reply, len(talk.Reply))
		}
		if len(talk.Request) != len(talk.Reply)+4 || talk.Request[1] != talk.Reply[1]|0x80 {
			t.Errorf("request of %d bytes is %.8q, %d long", c.size, talk.Request, len(talk.Request))
		}
		body := bytes.Clone(talk.Request[len(c.header)+4:])
		for i := range body {
			body[i] ^= talk.Request[len(c.header)+i%4]
		}
		if !bytes.Equal(body, payload(c.size)) {
			t.Errorf("unmasked request of %d bytes is %.20q", c.size, body)
		}
	}
}

func TestHTTPLearnsTheAnswer(t *testing.T) {
	const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	talk, err := HTTP(serve(t, func(c net.Conn) {
		io.ReadAtLeast(c, make([]byte, 64), 1)
		for _, b := range []byte(answer) {
			c.Write([]byte{b})
		}
	}))
	if err != nil || string(talk.Reply) != answer || talk.Same != len("HTTP/1.1 200 OK\r\n") {
		t.Errorf("%q, %v", talk.Reply, err)
	}
}
