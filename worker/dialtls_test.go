package worker_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/worker"
)

// tlsPeer is peer with crypto/tls.
func tlsPeer(t testing.TB, config *tls.Config, handle func(*tls.Conn)) (addr string) {
	t.Helper()
	config = config.Clone()
	config.Certificates = []tls.Certificate{selfSigned()}
	return peer(t, func(conn net.Conn) {
		secured := tls.Server(conn, config)
		secured.SetDeadline(time.Now().Add(3 * deadline))
		handle(secured)
		secured.Close()
	})
}

func roots() *x509.CertPool { return clientTLS().RootCAs }

func overTLS() worker.Dialer { return worker.Dialer{TLS: worker.TLS{Config: clientTLS()}} }

func TestDialTLSChecksWhoAnswers(t *testing.T) {
	addr := tlsPeer(t, &tls.Config{}, func(conn *tls.Conn) { io.Copy(conn, conn) })
	_, port, _ := net.SplitHostPort(addr)
	for _, c := range []struct {
		name, address string
		config        *tls.Config
		want          string // in the error; empty: it works
	}{
		{"name of the address", "ssl://localhost:" + port, &tls.Config{RootCAs: roots()}, ""},
		{"IP of the address", "ssl://127.0.0.1:" + port, &tls.Config{RootCAs: roots()}, ""},
		{"other name", "ssl://localhost:" + port,
			&tls.Config{RootCAs: roots(), ServerName: "other.example"}, "other.example"},
		{"name instead", "ssl://127.0.0.1:" + port,
			&tls.Config{RootCAs: roots(), ServerName: "localhost"}, ""},
		{"unknown authority", "ssl://localhost:" + port, nil, "certificate"},
		{"unchecked", "ssl://localhost:" + port, &tls.Config{InsecureSkipVerify: true}, ""},
		{"version 1.2", "ssl://localhost:" + port,
			&tls.Config{RootCAs: roots(), MaxVersion: tls.VersionTLS12}, ""},
		{"version 1.0", "ssl://localhost:" + port, &tls.Config{RootCAs: roots(),
			MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, "protocol version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := worker.Dialer{TLS: worker.TLS{Config: c.config}}
			o := clientOnly(t).connectTo(d, c.address, func(o *outgoing) {
				o.OnBufferDrain = nil
				o.Send("early")
				if o.TLS() != nil {
					t.Error("TLS() before there is any")
				}
			})
			if c.want != "" {
				o.failed(t, c.want, port)
				return
			}
			o.expect(t, "connect", "message early")
			o.do(func() {
				if state := o.TLS(); state == nil || !state.HandshakeComplete {
					t.Errorf("TLS() = %v", state)
				}
				if o.Transport() != "ssl" {
					t.Errorf("transport %s", o.Transport())
				}
			})
			o.end(t)
		})
	}
}

func TestDialTLSShowsItsCertificate(t *testing.T) {
	pair := writePair(t, t.TempDir(), "client", selfSigned())
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		addr := tlsPeer(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: version},
			func(conn *tls.Conn) {
				if conn.Handshake() == nil {
					io.WriteString(conn, conn.ConnectionState().PeerCertificates[0].Subject.CommonName)
				}
			})
		d := overTLS()
		d.TLS.CertFile, d.TLS.KeyFile = pair.CertFile, pair.KeyFile
		o := clientOnly(t).connectTo(d, "ssl://"+addr)
		o.expect(t, "connect", "message localhost", "close")

		d.TLS.CertFile = pair.CertFile + ".not"
		clientOnly(t).connectTo(d, "ssl://"+addr).failed(t, "client.crt.not", addr)
		d.TLS.CertFile, d.TLS.KeyFile = pair.CertFile, pair.CertFile
		clientOnly(t).connectTo(d, "ssl://"+addr).failed(t, "private key", addr)
		if version == tls.VersionTLS12 { // the refusal is part of the handshake there
			clientOnly(t).connectTo(overTLS(), "ssl://"+addr).failed(t, "tls: handshake failure", addr)
		}
	}
}

func TestDialTLSResumesSessions(t *testing.T) {
	addr := tlsPeer(t, &tls.Config{}, func(conn *tls.Conn) { io.Copy(conn, conn) })
	d := overTLS()
	d.TLS.Config.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	o := clientOnly(t).connectTo(d, "ssl://"+addr)
	for i := range 3 {
		o.expect(t, "connect")
		o.do(func() {
			if got := o.TLS().DidResume; got != (i > 0) {
				t.Errorf("connection %d resumed: %v", i, got)
			}
			o.Send("x")
		})
		o.expect(t, "message x")
		o.do(func() { o.Reconnect(0) })
		o.expect(t, "close")
	}
}

func TestPeerThatSpeaksAndLeavesBehindTheHandshake(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, half := range []bool{false, true} {
			left := make(chan error, 64)
			addr := tlsPeer(t, &tls.Config{MaxVersion: version}, func(conn *tls.Conn) {
				io.WriteString(conn, "bye")
				if half { // close_notify and no FIN
					conn.CloseWrite()
					_, err := conn.Read(make([]byte, 1))
					left <- err
				}
			})
			s := clientOnly(t)
			for range 20 {
				o := s.connectTo(overTLS(), "ssl://"+addr)
				o.expect(t, "connect", "message bye", "close")
				o.gone(t)
				if half {
					if err := await(t, left, "end"); err != io.EOF {
						t.Errorf("the peer saw %v, want a close_notify", err)
					}
				}
			}
		}
	}
}

func TestClientThatSpeaksAndLeavesBehindTheHandshake(t *testing.T) {
	got := newEvents()
	w := secure(worker.New("text://127.0.0.1:0"))
	w.OnMessage = func(_ *worker.Connection, data []byte) { got.add("message %s", data) }
	w.OnClose = func(*worker.Connection) { got.add("close") }
	s := start(t, w)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := clientTLS()
		config.MaxVersion = version
		for range 20 {
			conn, err := tls.Dial("tcp", s.addr, config)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(conn, "quick\n")
			conn.Close()
			got.expect(t, "message quick", "close")
		}
	}
}

func TestCloseNotifyWhilePausedEndsTheConnectionLater(t *testing.T) {
	held := make(chan struct{})
	addr := tlsPeer(t, &tls.Config{}, func(conn *tls.Conn) {
		io.WriteString(conn, "one\ntwo\n")
		conn.CloseWrite()
		<-held
	})
	defer close(held)
	d := overTLS()
	d.Transport = "ssl"
	o := clientOnly(t).connectTo(d, "text://"+addr, func(o *outgoing) {
		o.OnMessage = func(c *worker.Connection, data []byte) {
			o.add("message %s", data)
			c.PauseRecv()
		}
	})
	o.expect(t, "connect", "message one")
	o.do(func() {}) // what came behind is known by now
	o.do(func() { o.ResumeRecv() })
	o.expect(t, "message two")
	o.do(func() { o.ResumeRecv() })
	o.expect(t, "close")
	o.gone(t)
}

func TestCloseInOnConnectOverTLS(t *testing.T) {
	for _, last := range [][]any{nil, {"last"}} {
		all := make(chan string, 1)
		addr := tlsPeer(t, &tls.Config{}, func(conn *tls.Conn) {
			data, err := io.ReadAll(conn)
			if err != nil {
				t.Errorf("the peer got %v, want a close_notify", err)
			}
			all <- string(data)
		})
		o := clientOnly(t).connectTo(overTLS(), "ssl://"+addr, func(o *outgoing) {
			o.Send("early ")
			o.OnBufferDrain = nil
			o.OnConnect = func(c *worker.Connection) { c.Close(last...) }
		})
		o.expect(t, "close")
		want := "early "
		if last != nil {
			want += "last"
		}
		if got := await(t, all, "data"); got != want {
			t.Errorf("%q arrived, want %q", got, want)
		}
	}
}

func TestAcceptedTLSClosedInOnConnect(t *testing.T) {
	for _, last := range [][]any{nil, {"last"}} {
		closed := newEvents()
		w := secure(worker.New("tcp://127.0.0.1:0"))
		w.OnConnect = func(c *worker.Connection) { c.Close(last...) }
		w.OnClose = func(*worker.Connection) { closed.add("close") }
		s := start(t, w)
		conn, err := tls.Dial("tcp", s.addr, clientTLS())
		if last == nil { // nothing to say: no handshake for it
			if err == nil {
				t.Error("a handshake with nobody")
			}
			closed.expect(t, "close")
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(deadline))
		if data, err := io.ReadAll(conn); err != nil || string(data) != "last" {
			t.Errorf("got %q and %v", data, err)
		}
		closed.expect(t, "close")
		conn.Close()
	}
}

func TestEndOverTLSWaitsForThePeer(t *testing.T) {
	all := make(chan string, 1)
	addr := tlsPeer(t, &tls.Config{}, func(conn *tls.Conn) {
		io.WriteString(conn, strings.Repeat("not read", 1000))
		data, err := io.ReadAll(conn)
		if err != nil {
			t.Errorf("the peer got %v", err)
		}
		all <- string(data)
	})
	o := clientOnly(t).connectTo(overTLS(), "ssl://"+addr, func(o *outgoing) {
		o.OnConnect = func(c *worker.Connection) { c.End("the end") }
	})
	o.expect(t, "close")
	if got := await(t, all, "data"); got != "the end" {
		t.Errorf("%q arrived", got)
	}
}

// bulk is much data with a pattern that shows what is lost or moved.
type bulk struct {
	rng  *rand.Rand
	left int
}

func newBulk(seed uint64, size int) *bulk {
	return &bulk{rand.New(rand.NewPCG(seed, 0)), size}
}

// next makes the next piece; pieces of both sides may be cut differently.
func (b *bulk) next(p []byte) []byte {
	n := min(len(p), b.left)
	b.left -= n
	for i := range n {
		p[i] = byte(b.rng.Uint32())
	}
	return p[:n]
}

// check compares what came with what was to come.
func (b *bulk) check(p []byte) bool {
	want := b.next(make([]byte, len(p)))
	return bytes.Equal(want, p)
}

func (b *bulk) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	return len(b.next(p)), nil
}

func TestMuchDataOverTLSBothWays(t *testing.T) {
	size := 100 << 20
	if raceEnabled || testing.Short() {
		size = 10 << 20
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		right := make(chan bool, 1)
		addr := tlsPeer(t, &tls.Config{MaxVersion: version}, func(conn *tls.Conn) {
			go io.Copy(conn, newBulk(1, size)) // ends with the connection
			from, p := newBulk(2, size), make([]byte, 50_000)
			good := true
			for from.left > 0 {
				n, err := conn.Read(p)
				good = good && err == nil && from.check(p[:n])
				if err != nil {
					break
				}
			}
			right <- good
			io.Copy(io.Discard, conn)
		})
		to, from := newBulk(2, size), newBulk(1, size)
		sizes := rand.New(rand.NewPCG(3, 0))
		message := make([]byte, 200<<10)
		o := clientOnly(t).connectTo(overTLS(), "ssl://"+addr, func(o *outgoing) {
			o.OnBufferFull = nil
			most := 0
			send := func(c *worker.Connection) {
				for c.SendQueueSize() < c.MaxSendBufferSize && to.left > 0 {
					c.Send(to.next(message[:1+sizes.IntN(len(message))]))
					most = max(most, c.SendQueueSize())
				}
				if most > c.MaxSendBufferSize+2*len(message) {
					t.Errorf("%d bytes wait", most)
				}
			}
			o.OnConnect, o.OnBufferDrain = send, send
			pieces := 0
			o.OnMessage = func(c *worker.Connection, data []byte) {
				if !from.check(data) {
					o.add("other bytes")
				}
				if pieces++; pieces%100 == 0 {
					c.PauseRecv()
					worker.Post(c.ResumeRecv)
				}
				if from.left == 0 {
					o.add("all")
				}
			}
		})
		wait := time.After(2 * time.Minute)
		select {
		case got := <-o.events:
			if got != "all" {
				t.Fatal(got)
			}
		case <-wait:
			t.Fatalf("%d bytes missing", from.left)
		}
		if !await(t, right, "bytes at the peer") {
			t.Error("other bytes at the peer")
		}
		o.end(t)
	}
}

func TestDestroyOffersWhatIsPendingOverTLS(t *testing.T) {
	all := make(chan string, 1)
	addr := tlsPeer(t, &tls.Config{}, func(conn *tls.Conn) {
		data, err := io.ReadAll(conn)
		if err != nil {
			t.Errorf("the peer got %v, want a close_notify", err)
		}
		all <- string(data)
	})
	o := clientOnly(t).connectTo(overTLS(), "ssl://"+addr)
	o.expect(t, "connect")
	o.do(func() {
		failures := worker.Stats().SendFail
		o.Send("pending")
		o.Destroy()
		if n := worker.Stats().SendFail - failures; n != 0 {
			t.Errorf("%d failures counted", n)
		}
	})
	o.expect(t, "close")
	if got := await(t, all, "data"); got != "pending" {
		t.Errorf("%q arrived", got)
	}
}
