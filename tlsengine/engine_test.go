package tlsengine

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

func TestBothSidesTalkHoweverTheBytesAreCut(t *testing.T) {
	message := bytes.Repeat([]byte("0123456789"), 4000)
	for _, v := range versions {
		for _, cut := range []int{1, 2, 3, 4, 5, 6, 7, 1000, 64 << 10} {
			t.Run(fmt.Sprintf("%s/%d", v.name, cut), func(t *testing.T) {
				server, client := configs(v.id)
				p := newPair(t, server, client, NewTokens(1))
				p.cut = cut
				p.shake()
				for range 3 {
					p.send(p.client, p.server, message)
					p.send(p.server, p.client, message)
				}
				if got := p.server.State(); got.Version != v.id || got.ServerName != host {
					t.Errorf("State = %x for %q", got.Version, got.ServerName)
				}
			})
		}
	}
}

func TestSessionsAreResumed(t *testing.T) {
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			server, client := configs(v.id)
			client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			for i := range 3 {
				p := newPair(t, server, client, NewTokens(1)).shake()
				p.send(p.server, p.client, []byte("the ticket comes before this"))
				for _, e := range []*Engine{p.server, p.client} {
					if got := e.State().DidResume; got != (i > 0) {
						t.Errorf("connection %d: resumed %v", i, got)
					}
				}
			}
		})
	}
}

func TestClientCertificatesAreChecked(t *testing.T) {
	good, bad := makeCert("good"), makeCert("bad")
	for _, v := range versions {
		server, client := configs(v.id)
		server.ClientAuth, server.ClientCAs = tls.RequireAndVerifyClientCert, trust(good)
		client.Certificates = []tls.Certificate{good}
		p := newPair(t, server, client, NewTokens(1)).shake()
		if got := p.server.State().PeerCertificates[0].Subject.CommonName; got != "good" {
			t.Errorf("%s: client certificate %q", v.name, got)
		}
		client.Certificates = nil
		client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &bad, nil
		}
		p = newPair(t, server, client, NewTokens(1))
		for p.server.Handshaking() {
			p.wait()
			p.carry(p.client, p.server)
			p.carry(p.server, p.client)
		}
		if err := p.server.HandshakeError(); err == nil || p.server.State() != nil {
			t.Errorf("%s: a certificate of a stranger was taken", v.name)
		}
	}
}

type addr string

func (a addr) Network() string { return "tcp" }
func (a addr) String() string  { return string(a) }

func TestCallbacksOfTheConfigAreHonoured(t *testing.T) {
	other := makeCert("other.example")
	server, client := configs(0)
	var seen string
	picked := server.Clone()
	picked.Certificates = nil
	picked.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		seen += " " + hello.ServerName
		return &other, nil
	}
	server.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		seen = hello.Conn.LocalAddr().String() + " " + hello.Conn.RemoteAddr().String()
		return picked, nil
	}
	client.ServerName, client.RootCAs = "other.example", trust(other)
	p := newPair(t, server, client, NewTokens(1))
	p.server.SetAddrs(addr("here:1"), addr("there:2"))
	p.shake()
	if want := "here:1 there:2 other.example"; seen != want {
		t.Errorf("callbacks saw %q, want %q", seen, want)
	}
}

func TestDataBehindTheHandshakeIsNotLost(t *testing.T) {
	for _, v := range versions {
		for _, cut := range []int{1, 64 << 10} {
			server, client := configs(v.id)
			p := newPair(t, server, client, NewTokens(1))
			p.cut = cut
			for p.client.Handshaking() {
				p.wait()
				if p.client.Handshaking() {
					p.carry(p.client, p.server)
				}
				p.carry(p.server, p.client)
			}
			early := bytes.Repeat([]byte("early"), 20_000)
			must(t, p.client.Write(early))
			p.client.CloseNotify()
			p.carry(p.client, p.server) // Finished and data in one
			for p.server.Handshaking() {
				p.wait()
			}
			if !p.server.Buffered() {
				t.Errorf("%s: nothing buffered behind the handshake", v.name)
			}
			got, err := io.ReadAll(reader{p.server})
			if err != nil || !bytes.Equal(got, early) {
				t.Errorf("%s: read %d bytes and %v, want %d", v.name, len(got), err, len(early))
			}
		}
	}
}

func TestCloseNotifyEndsOneDirection(t *testing.T) {
	for _, v := range versions {
		p := established(t, v.id)
		must(t, p.client.Write([]byte("last")))
		p.client.CloseNotify()
		p.carry(p.client, p.server)
		if got, err := io.ReadAll(reader{p.server}); err != nil || string(got) != "last" {
			t.Errorf("%s: read %q and %v", v.name, got, err)
		}
		p.send(p.server, p.client, []byte("an answer"))
		if err := p.client.Write([]byte("x")); err == nil {
			t.Errorf("%s: a write after close_notify went well", v.name)
		}
		p.server.FeedEnd()
		if _, err := p.server.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("%s: Read = %v at the end of the network, want EOF", v.name, err)
		}
	}
}

func TestAnEndWithoutCloseNotifyIsAnError(t *testing.T) {
	for cut := range 20 {
		p := established(t, tls.VersionTLS13)
		must(t, p.client.Write([]byte("whole")))
		p.carry(p.client, p.server)
		must(t, p.client.Write([]byte("cut")))
		p.server.Feed(p.client.Output()[:cut])
		p.server.FeedEnd()
		got, err := io.ReadAll(reader{p.server})
		if err != io.ErrUnexpectedEOF || string(got) != "whole" {
			t.Errorf("after %d bytes: %q and %v", cut, got, err)
		}
	}
}

func TestChangedBytesEndTheConnection(t *testing.T) {
	for _, v := range versions {
		p := established(t, v.id)
		must(t, p.client.Write([]byte("message")))
		p.client.Output()[12] ^= 1
		p.carry(p.client, p.server)
		for range 2 {
			if n, err := p.server.Read(make([]byte, 9)); n != 0 || err == nil || err == io.EOF {
				t.Fatalf("%s: Read = %d, %v", v.name, n, err)
			}
		}
		p.carry(p.server, p.client)
		_, err := p.client.Read(make([]byte, 9))
		if alert := tls.AlertError(20); err == nil || !strings.Contains(err.Error(), alert.Error()) {
			t.Errorf("%s: the peer got %v, want %v", v.name, err, alert)
		}
	}
}

func TestLargeWriteIsHeldOnceAndGivenBackInParts(t *testing.T) {
	const size = 10 << 20
	p := established(t, 0)
	message := bytes.Repeat([]byte{7}, size)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	must(t, p.server.Write(message))
	runtime.ReadMemStats(&after)
	if got := p.server.OutputSize(); got < size || got > size+size/100 {
		t.Errorf("output of %d bytes for %d", got, size)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > size+size/10 {
		t.Errorf("%d bytes allocated for %d", got, size)
	}
	received, buffer := 0, make([]byte, 64<<10)
	for out := p.server.Output(); len(out) > 0; out = p.server.Output() {
		p.client.Feed(out)
		p.server.Consume(len(out))
		for p.client.Buffered() {
			n, err := p.client.Read(buffer)
			must(t, err)
			received += n
		}
	}
	if received != size || p.server.out.head != nil || p.client.in.size != 0 {
		t.Errorf("%d bytes arrived of %d", received, size)
	}
}

func TestUnreadInputIsBounded(t *testing.T) {
	half := make([]byte, 32<<10)
	copy(half, []byte{23, 3, 3, 0x40, 0})
	p := established(t, tls.VersionTLS13)
	tokens := NewTokens(1)
	<-tokens.free // so that nothing is read
	fresh := Server(&tls.Config{}, tokens, func() {})
	for i, e := range []*Engine{p.server, fresh} {
		e.Feed(half)
		if e.Full() {
			t.Errorf("%d: full after 32 KiB", i)
		}
		e.Feed(half)
		if !e.Full() {
			t.Errorf("%d: not full after 64 KiB", i)
		}
		for range 7 {
			e.Feed(half)
		}
		if _, err := e.Read(half); err != ErrTooMuchInput {
			t.Errorf("%d: Read = %v, want ErrTooMuchInput", i, err)
		}
		if e.Full() || e.Handshaking() {
			t.Errorf("%d: still there", i)
		}
		e.Close()
	}
}

func TestFullDuringTheHandshakeIsFollowedByAWake(t *testing.T) {
	server, client := configs(tls.VersionTLS13)
	server.ClientAuth = tls.RequireAnyClientCert
	long := makeCert("long")
	for len(long.Certificate)*len(long.Certificate[0]) < 150<<10 {
		long.Certificate = append(long.Certificate, long.Certificate[0])
	}
	client.Certificates = []tls.Certificate{long}
	p := newPair(t, server, client, NewTokens(1))
	for p.client.Handshaking() {
		p.carry(p.client, p.server)
		p.carry(p.server, p.client)
		p.wait()
	}
	free := p.server.handshake.tokens.free
	<-free // the server cannot read
	wakes := 0
	for out := p.client.Output(); len(out) > 0; out = p.client.Output() {
		n := min(len(out), 16<<10)
		p.server.Feed(out[:n])
		p.client.Consume(n)
		if !p.server.Full() {
			continue
		}
		if wakes++; wakes == 1 {
			free <- struct{}{}
		}
		for p.server.Full() {
			p.wait()
		}
	}
	p.shake()
	if wakes == 0 {
		t.Error("never full")
	}
}

func TestWakeComesOnceBeforeProgress(t *testing.T) {
	server, client := configs(0)
	before := runtime.NumGoroutine()
	p := newPair(t, server, client, NewTokens(1))
	<-p.woken // for the hello of the client
	p.client.FeedEnd()
	p.client.wantDone(t) // a goroutine of another test may have been counted before
	noneLeft(t, before)
	if len(p.woken) != 0 {
		t.Error("woken again before Progress")
	}
	p.client.Progress()
	if p.client.OutputSize() == 0 || p.client.HandshakeError() != io.ErrUnexpectedEOF {
		t.Errorf("Progress did not bring both: %v", p.client.HandshakeError())
	}
}

func TestCallsOutOfTurnAreRefused(t *testing.T) {
	server, client := configs(0)
	p := newPair(t, server, client, NewTokens(1))
	if err := p.server.Write([]byte("x")); err != ErrHandshaking {
		t.Errorf("Write = %v before the handshake", err)
	}
	p.server.CloseNotify()
	if n, err := p.server.Read(make([]byte, 1)); n != 0 || err != nil || p.server.State() != nil {
		t.Errorf("Read = %d, %v before the handshake", n, err)
	}
	p.shake()
	for range 2 {
		p.server.Close()
	}
	p.server.Feed([]byte("x"))
	p.server.FeedEnd()
	p.server.Progress()
	p.server.CloseNotify()
	p.server.Consume(1)
	_, err := p.server.Read(make([]byte, 1))
	if werr := p.server.Write([]byte("x")); !errors.Is(err, net.ErrClosed) ||
		!errors.Is(werr, net.ErrClosed) || p.server.State() != nil || p.server.Output() != nil {
		t.Errorf("after Close: Read = %v, Write = %v", err, werr)
	}
}

func TestClientNeverRenegotiates(t *testing.T) {
	server, client := configs(tls.VersionTLS12)
	client.Renegotiation = tls.RenegotiateFreelyAsClient
	p := newPair(t, server, client, NewTokens(1)).shake()
	// crypto/tls exports keys only where it will not renegotiate.
	if _, err := p.client.State().ExportKeyingMaterial("label", nil, 8); err != nil {
		t.Error(err)
	}
	if client.Renegotiation != tls.RenegotiateFreelyAsClient {
		t.Error("the caller's config was changed")
	}
}

func TestTokensBoundWhatComputes(t *testing.T) {
	const pairs = 40
	server, client := configs(0)
	var now, most atomic.Int32
	server.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		runtime.Gosched()
		now.Add(-1)
		return nil, nil
	}
	before, tokens := runtime.NumGoroutine(), NewTokens(0)
	var all []*pair
	for range pairs {
		all = append(all, newPair(t, server, client, tokens))
	}
	for _, p := range all {
		p.shake()
		p.send(p.client, p.server, []byte("hello"))
	}
	if most.Load() != 1 {
		t.Errorf("%d handshakes computed at once, want 1", most.Load())
	}
	noneLeft(t, before)
}
