package load

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"
)

// brief is a span in which every server here answers many times, unless the machine
// has other things to do.
var brief = Span{Warmup: time.Millisecond, Duration: 20 * time.Millisecond}

// untilWrong is a span that ends with an error.
var untilWrong = Span{Duration: time.Minute}

// measured runs in longer and longer spans until there is an answer, or an error.
func measured(run func(Span) (*Result, error)) (r *Result, err error) {
	for span := brief; span.Duration < time.Minute; span.Duration *= 4 {
		if r, err = run(span); err != nil || r.Messages > 0 {
			break
		}
	}
	return r, err
}

// in runs w in a span.
func (w Window) in(span Span) (*Result, error) {
	w.Span = span
	return w.Run()
}

// serve runs handle for each connection until the test ends.
func serve(t *testing.T, handle func(c net.Conn)) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() { // ends with the listener
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { // ends with the client
				defer c.Close()
				handle(c)
			}()
		}
	}()
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

func echo(c net.Conn) { io.Copy(c, c) }

// dribble answers in the smallest possible pieces.
func dribble(c net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		for i := range n {
			if _, err := c.Write(buf[i : i+1]); err != nil {
				return
			}
		}
	}
}

func TestWindowCountsWholeAnswers(t *testing.T) {
	for name, handle := range map[string]func(net.Conn){"echo": echo, "in pieces": dribble} {
		t.Run(name, func(t *testing.T) {
			marks := 0
			w := Window{Server: serve(t, handle), Talk: Text(5), Speakers: 3, InFlight: 4}
			r, err := measured(func(span Span) (*Result, error) {
				marks = 0
				w.Span = span
				w.Span.Mark = func() { marks++ }
				return w.Run()
			})
			if err != nil {
				t.Fatal(err)
			}
			if r.Messages == 0 || r.Messages != r.Latency.Count() || r.Elapsed < brief.Duration {
				t.Errorf("%d messages and %d latencies in %v", r.Messages, r.Latency.Count(), r.Elapsed)
			}
			if marks != 2 {
				t.Errorf("marked %d times", marks)
			}
		})
	}
}

// A closed loop would wait for its first answer for ever.
func TestOpenLoopAsksWithoutAnswers(t *testing.T) {
	talk := Text(5)
	server := serve(t, func(c net.Conn) {
		first := make([]byte, 3*len(talk.Request))
		if _, err := io.ReadFull(c, first); err == nil {
			c.Write(first)
			echo(c)
		}
	})
	w := Window{Server: server, Talk: talk, Speakers: 2, InFlight: 1,
		Every: time.Millisecond}
	r, err := measured(w.in)
	if err != nil || r.Messages == 0 || r.Messages != r.Latency.Count() {
		t.Fatalf("%v", err)
	}
}

func TestTLSConnectionsTalk(t *testing.T) {
	server, talk := secure(t), Text(5000)
	talk.TLS = &tls.Config{InsecureSkipVerify: true}
	r, err := measured(Window{Server: server, Talk: talk, Speakers: 2, InFlight: 4}.in)
	if err != nil || r.Messages == 0 {
		t.Fatalf("%v", err)
	}
}

// secure serves echo over TLS.
func secure(t *testing.T) netip.AddrPort {
	t.Helper()
	certificate := selfSigned(t)
	return serve(t, func(c net.Conn) {
		echo(tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}}))
	})
}

// selfSigned is a certificate for a server that nobody verifies.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestShortConnectionsAreCounted(t *testing.T) {
	for name, handle := range map[string]func(net.Conn){"echo": echo, "in pieces": dribble} {
		t.Run(name, func(t *testing.T) {
			s := Short{Server: serve(t, handle), Talk: Text(5), Concurrent: 3}
			r, err := measured(func(span Span) (*Result, error) {
				s.Span = span
				return s.Run()
			})
			if err != nil {
				t.Fatal(err)
			}
			if r.Messages == 0 || r.Messages != r.Latency.Count() {
				t.Errorf("%d connections and %d latencies", r.Messages, r.Latency.Count())
			}
		})
	}
}

func TestIdleConnectionsHaveSpoken(t *testing.T) {
	held, err := Hold(serve(t, echo), Text(5), 3)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if len(held.fds) != 3 {
		t.Errorf("%d connections, want 3", len(held.fds))
	}
}

// The server may be on the only processor there is.
func TestDiallingKeepsNoProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	server, talk := secure(t), Text(5)
	talk.TLS = &tls.Config{InsecureSkipVerify: true}
	held, err := Hold(server, talk, 3)
	if err != nil {
		t.Fatal(err)
	}
	held.Close()
}

// A figure must come from a server that answers what it has to.
func TestWrongServersAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		handle func(c net.Conn)
		want   string
	}{
		"closes": {func(c net.Conn) { io.CopyN(c, c, 6) }, "client 0"},
		"changes a byte": {func(c net.Conn) {
			io.CopyN(c, c, 17)
			io.CopyN(io.Discard, c, 1)
			c.Write([]byte("!"))
			io.Copy(c, c)
		}, "heard"},
		"answers twice": {func(c net.Conn) { io.Copy(io.MultiWriter(c, c), c) }, "more answers"},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, c.handle)
			_, err := Window{Server: server, Talk: Text(5), Speakers: 1, InFlight: 2, Span: untilWrong}.Run()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestGreetingMustBeAnsweredBySwitching(t *testing.T) {
	server := serve(t, func(c net.Conn) {
		io.ReadAtLeast(c, make([]byte, 64), 1)
		io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
	})
	if _, err := Hold(server, WebSocket(5), 1); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("error %v", err)
	}
}
