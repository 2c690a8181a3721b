package tlsengine

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// single is one Engine whose peer is the test.
type single struct {
	*Engine
	t     testing.TB
	woken chan bool
}

func newServer(t testing.TB, cfg *tls.Config) *single {
	s := &single{t: t, woken: make(chan bool, 2)}
	s.Engine = Server(cfg, NewTokens(1), func() { s.woken <- true })
	t.Cleanup(s.Close)
	return s
}

// result waits for the end of the handshake.
func (s *single) result() error {
	s.t.Helper()
	for s.Handshaking() {
		select {
		case <-s.woken:
			s.Progress()
		case <-time.After(deadline):
			s.t.Fatal("the handshake did not end")
		}
	}
	return s.HandshakeError()
}

func TestPeersThatDoNotSpeakTLSGetAnAlert(t *testing.T) {
	server, _ := configs(0)
	for _, c := range []struct {
		name, hello string
		alert       byte
	}{
		{"http", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 10},
		{"ssh", "SSH-2.0-OpenSSH", 10},
		{"SSL 2", "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", 70},
		{"application data first", "\x17\x03\x01\x00\x02xx", 10},
		{"too long for a record", "\x16\x03\x01\xff\xff", 22},
		{"no hello in the record", "\x16\x03\x01\x00\x04\x02\x00\x00\x00", 50},
	} {
		s := newServer(t, server)
		s.Feed([]byte(c.hello))
		err := s.result()
		out := bytes.Clone(s.Output())
		if err == nil || len(out) != 7 || out[0] != 21 || out[6] != c.alert {
			t.Errorf("%s: %v, output %x, want alert %d", c.name, err, out, c.alert)
		}
		if _, again := s.Read(make([]byte, 1)); again != err {
			t.Errorf("%s: Read = %v, want %v", c.name, again, err)
		}
		if err := s.Write([]byte("x")); err == nil {
			t.Errorf("%s: Write went well", c.name)
		}
		s.Consume(len(out))
	}
}

func TestVersionsWithoutOverlapFailWithAnAlert(t *testing.T) {
	server, _ := configs(tls.VersionTLS13)
	_, client := configs(tls.VersionTLS12)
	p := newPair(t, server, client, NewTokens(1))
	for p.server.Handshaking() || p.client.Handshaking() {
		p.wait()
		p.carry(p.client, p.server)
		p.carry(p.server, p.client)
	}
	alert := tls.AlertError(70).Error()
	if err := p.client.HandshakeError(); err == nil || !strings.Contains(err.Error(), alert) {
		t.Errorf("the client got %v, want %s", err, alert)
	}
}

// cutAt lets so many bytes of one direction pass, then ends it, and says
// whether that was less than there are.
func (p *pair) cutAt(from, to *Engine, budget int) (isCut bool) {
	for from.Handshaking() || to.Handshaking() {
		p.wait()
		out := from.Output()
		n := min(len(out), budget)
		budget -= n
		to.Feed(out[:n])
		if n < len(out) {
			to.FeedEnd()
			for to.Handshaking() {
				p.wait()
			}
			return true
		}
		from.Consume(n)
		p.carry(to, from)
	}
	return false
}

func TestHandshakeCutAnywhereEndsWithAnError(t *testing.T) {
	for _, v := range versions {
		for _, side := range []string{"client is cut", "server is cut"} {
			t.Run(v.name+"/"+side, func(t *testing.T) {
				server, client := configs(v.id)
				client.CurvePreferences = []tls.CurveID{tls.X25519} // a short hello
				server.SessionTicketsDisabled = true
				before := runtime.NumGoroutine()
				for at := 0; ; at++ {
					p := newPair(t, server, client, NewTokens(1))
					from, to := p.client, p.server
					if side == "server is cut" {
						from, to = to, from
					}
					isCut := p.cutAt(from, to, at)
					err := to.HandshakeError()
					p.close()
					if !isCut {
						must(t, err)
						break
					}
					if !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Fatalf("cut after %d bytes: %v", at, err)
					}
				}
				noneLeft(t, before)
			})
		}
	}
}

func TestSilentPeerCostsNoGoroutine(t *testing.T) {
	server, client := configs(0)
	before := runtime.NumGoroutine()
	p := newPair(t, server, client, NewTokens(1))
	p.wait()
	hello := bytes.Clone(p.client.Output())
	p.client.Close()
	noneLeft(t, before)
	for _, b := range hello[:len(hello)-1] {
		p.server.Feed([]byte{b})
	}
	if got := runtime.NumGoroutine(); got > before {
		t.Errorf("%d goroutines before the hello is whole, want %d", got, before)
	}
	p.server.Close()
}

func TestCloseEndsTheGoroutineOfAHandshake(t *testing.T) {
	server, client := configs(0)
	for _, c := range []struct {
		name  string
		until func(p *pair)
	}{
		{"client waits for the server", func(p *pair) { p.wait() }},
		{"server waits for the client", func(p *pair) {
			p.wait()
			p.carry(p.client, p.server)
			p.wait()
		}},
		{"client waits for a token", func(p *pair) {}},
		{"server waits for a token", func(p *pair) {
			p.wait()
			<-p.server.handshake.tokens.free
			p.carry(p.client, p.server)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			p := newPair(t, server, client, NewTokens(1))
			c.until(p)
			p.close()
			noneLeft(t, before)
		})
	}
}

func TestCallbackThatWaitsEndsWithItsContext(t *testing.T) {
	server, client := configs(0)
	entered := make(chan bool)
	server.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		close(entered)
		<-hello.Context().Done()
		return nil, hello.Context().Err()
	}
	before := runtime.NumGoroutine()
	p := newPair(t, server, client, NewTokens(1))
	p.wait()
	p.carry(p.client, p.server)
	<-entered
	p.close()
	noneLeft(t, before)
}

func TestPanicInACallbackFailsOneHandshake(t *testing.T) {
	server, client := configs(0)
	server.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { panic("author") }
	server.Certificates = nil
	before, tokens := runtime.NumGoroutine(), NewTokens(1)
	for range 2 { // the token came back
		p := newPair(t, server, client, tokens)
		for p.server.Handshaking() {
			p.wait()
			p.carry(p.client, p.server)
		}
		err := p.server.HandshakeError()
		if !errors.Is(err, ErrCallbackPanic) || !strings.Contains(fmt.Sprint(err), "author") {
			t.Errorf("HandshakeError = %v", err)
		}
		p.close()
	}
	noneLeft(t, before)
}
