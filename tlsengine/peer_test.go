package tlsengine

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"
)

// loop is the smallest event loop: one goroutine owns an Engine and echoes
// what it reads.
type loop struct {
	engine *Engine
	conn   net.Conn
	woken  chan bool
	input  chan []byte
	hello  []byte // said first
}

// startLoop serves conn with an Engine and returns what waits for its end.
func startLoop(t *testing.T, conn net.Conn, hello []byte, begin func(func()) *Engine) func() {
	l := &loop{conn: conn, woken: make(chan bool, 4), input: make(chan []byte), hello: hello}
	l.engine = begin(func() { l.woken <- true })
	ended, stop := make(chan error, 1), make(chan bool)
	go l.receive(stop)                   // ends with conn or stop
	go func() { ended <- l.run(stop) }() // ends with the end of input
	return func() {
		t.Helper()
		select {
		case err := <-ended:
			must(t, err)
		case <-time.After(deadline):
			t.Fatal("the loop did not end")
		}
	}
}

func (l *loop) receive(stop chan bool) {
	defer close(l.input)
	for {
		p := make([]byte, 1500)
		n, err := l.conn.Read(p)
		select {
		case l.input <- p[:n]:
		case <-stop:
			return
		}
		if err != nil {
			return
		}
	}
}

func (l *loop) run(stop chan bool) error {
	defer l.conn.Close()
	defer l.engine.Close()
	defer close(stop)
	for {
		select {
		case <-l.woken:
			l.engine.Progress()
		case p, more := <-l.input:
			l.engine.Feed(p)
			if !more {
				l.engine.FeedEnd()
			}
		}
		err := l.echo()
		if err == io.EOF {
			l.engine.CloseNotify()
		}
		for out := l.engine.Output(); len(out) > 0; out = l.engine.Output() {
			n, err := l.conn.Write(out)
			if err != nil {
				return err
			}
			l.engine.Consume(n)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// echo answers all that can be read with one Write.
func (l *loop) echo() error {
	var all []byte
	if l.engine.Handshaking() {
		return nil
	}
	all, l.hello = l.hello, nil
	p := make([]byte, 4096)
	for {
		n, err := l.engine.Read(p)
		all = append(all, p[:n]...)
		if n == 0 {
			if len(all) > 0 {
				if err := l.engine.Write(all); err != nil {
					return err
				}
			}
			return err
		}
	}
}

// connected is both ends of a TCP connection over the loopback.
func connected(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	a, err = net.Dial("tcp", l.Addr().String())
	must(t, err)
	b, err = l.Accept()
	must(t, err)
	for _, c := range []net.Conn{a, b} {
		must(t, c.SetDeadline(time.Now().Add(deadline)))
		t.Cleanup(func() { c.Close() })
	}
	return a, b
}

// dribble writes in pieces of 1 to 7 bytes.
type dribble struct{ net.Conn }

func (d dribble) Write(p []byte) (n int, err error) {
	for size := 1; n < len(p) && err == nil; size = size%7 + 1 {
		var k int
		k, err = d.Conn.Write(p[n:min(len(p), n+size)])
		n += k
	}
	return n, err
}

func TestCryptoTLSTalksWithAnEngine(t *testing.T) {
	for _, v := range versions {
		server, client := configs(v.id)
		tokens := NewTokens(1)
		cases := []struct {
			name  string
			begin func(wake func()) *Engine
			peer  func(net.Conn) *tls.Conn
		}{
			{"engine is server",
				func(wake func()) *Engine { return Server(server, tokens, wake) },
				func(c net.Conn) *tls.Conn { return tls.Client(c, client) }},
			{"engine is client",
				func(wake func()) *Engine { return Client(client, tokens, wake) },
				func(c net.Conn) *tls.Conn { return tls.Server(c, server) }},
			{"peer dribbles",
				func(wake func()) *Engine { return Server(server, tokens, wake) },
				func(c net.Conn) *tls.Conn { return tls.Client(dribble{c}, client) }},
		}
		for _, c := range cases {
			t.Run(v.name+"/"+c.name, func(t *testing.T) {
				near, far := connected(t)
				wait := startLoop(t, near, []byte("hello"), c.begin)
				peer := c.peer(far)
				want := append([]byte("hello"), bytes.Repeat([]byte("0123456789"), 1000)...)
				_, err := peer.Write(want[5:])
				must(t, err)
				got := make([]byte, len(want))
				_, err = io.ReadFull(peer, got)
				must(t, err)
				if !bytes.Equal(got, want) {
					t.Errorf("got %.30q, want %.30q", got, want)
				}
				must(t, peer.CloseWrite())
				if rest, err := io.ReadAll(peer); err != nil || len(rest) > 0 {
					t.Errorf("at the end: %q, %v; want a close_notify", rest, err)
				}
				wait()
			})
		}
	}
}
