package worker_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workerman-go/wm/worker"
)

// recording keeps what came in, to look at the records of TLS.
type recording struct {
	net.Conn
	mu  sync.Mutex // guards got
	got bytes.Buffer
}

func (r *recording) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got.Write(p[:n])
	return n, err
}

// records lists the types of the records that came. Up to TLS 1.2 an alert
// shows as 21.
func (r *recording) records(t *testing.T) (types []byte) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for b := r.got.Bytes(); len(b) > 0; {
		if len(b) < 5 {
			t.Fatalf("%d bytes behind the last record", len(b))
		}
		types = append(types, b[0])
		b = b[min(len(b), 5+int(b[3])<<8+int(b[4])):]
	}
	return types
}

const alertRecord = 21

func TestCloseNotifyIsTheLastRecord(t *testing.T) {
	for name, end := range map[string]func(c *worker.Connection, data []byte){
		"Close":                    func(c *worker.Connection, data []byte) { c.Close("x") },
		"End":                      func(c *worker.Connection, data []byte) { c.End("x") },
		"Destroy":                  func(c *worker.Connection, data []byte) { c.Send("x"); c.Destroy() },
		"the peer's own half ends": func(c *worker.Connection, data []byte) { c.Send("x") },
	} {
		t.Run(name, func(t *testing.T) {
			w := secure(worker.New("text://127.0.0.1:0"))
			w.OnMessage = end
			s := start(t, w)
			socket := &recording{Conn: over("ssl").socket(s)}
			config := clientTLS()
			config.MaxVersion = tls.VersionTLS12
			client := tls.Client(socket, config)
			c := newWire(t, client)
			c.send("go\n")
			if strings.HasPrefix(name, "the peer") {
				c.closeWrite()
			}
			c.expect("x\n")
			c.expectEnd()
			types := socket.records(t)
			if types[len(types)-1] != alertRecord {
				t.Errorf("records %v, want an alert at the end", types)
			}
		})
	}
}

func TestOnConnectComesBeforeTheHandshakeOfTLS(t *testing.T) {
	big := string(pattern(300 << 10))
	for name, send := range map[string]func(c *worker.Connection){
		"a small message": func(c *worker.Connection) { c.Send("hello") },
		"a large message": func(c *worker.Connection) { c.Send(big) },
		"Flush":           func(c *worker.Connection) { c.Send("hello"); c.Flush() },
		"paused":          func(c *worker.Connection) { c.PauseRecv(); c.Send("hello") },
		"Close":           func(c *worker.Connection) { c.Close("hello") },
		"End":             func(c *worker.Connection) { c.End("hello") },
	} {
		t.Run(name, func(t *testing.T) {
			w := secure(worker.New("ssl://127.0.0.1:0"))
			w.OnMessage = func(c *worker.Connection, data []byte) {}
			connected := make(chan *worker.Connection, 1)
			w.OnConnect = func(c *worker.Connection) {
				if c.TLS() != nil {
					t.Error("TLS has a state before the handshake")
				}
				send(c)
				if n := c.BytesWritten; n != 0 {
					t.Errorf("%d bytes written before the handshake", n)
				}
				connected <- c
			}
			s := start(t, w)
			socket := over("ssl").socket(s)
			await(t, connected, "OnConnect before a byte was sent")
			c := newWire(t, tls.Client(socket, clientTLS()))
			want := "hello"
			if name == "a large message" {
				want = big
			}
			c.expect(want)
			if name == "Close" || name == "End" {
				c.expectEnd()
			}
		})
	}
}

func TestEndsInOnConnectBeforeTheHandshakeOfTLS(t *testing.T) {
	for name, end := range map[string]func(c *worker.Connection){
		"Close":           func(c *worker.Connection) { c.Close() },
		"End":             func(c *worker.Connection) { c.End() },
		"Destroy":         func(c *worker.Connection) { c.Destroy() },
		"Destroy pending": func(c *worker.Connection) { c.Send("in the clear?"); c.Destroy() },
	} {
		t.Run(name, func(t *testing.T) {
			events := newEvents()
			w := secure(recorded("ssl://127.0.0.1:0", events))
			w.Limits.HandshakeTimeout = -1
			w.OnConnect = end
			s := start(t, w)
			c := newWire(t, over("ssl").socket(s))
			c.expectCut() // without a handshake: nobody has something to say
			events.expect(t, "close 1 CLOSED")
			events.none(t)
		})
	}
}

func TestPlainClientOnATLSPortIsClosedQuietly(t *testing.T) {
	events := newEvents()
	s := start(t, secure(recorded("text://127.0.0.1:0", events)))
	for i, hello := range []string{
		"GET / HTTP/1.0\r\n\r\n", "\x16\x03\x01\xff\xff", strings.Repeat("\x00", 100000),
		"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
	} {
		socket := over("ssl").socket(s)
		c := newWire(t, socket)
		io.WriteString(c, hello) // it may be closed before all of it is sent
		io.Copy(io.Discard, c)
		events.expect(t, "connect "+string(rune('1'+i)), "close "+string(rune('1'+i))+" CLOSED")
		c.Close()
	}
	events.none(t)
	if len(s.lines) > 0 {
		t.Errorf("logged: %q", s.lines)
	}
	c := over("ssl").open(s) // others are served
	c.send("still here\n")
	events.expect(t, "connect 6", "message still here")
}

func TestVersionsOfTLS(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			got := make(chan uint16, 1)
			w := secure(worker.New("text://127.0.0.1:0"))
			w.OnMessage = func(c *worker.Connection, data []byte) {
				got <- c.TLS().Version
				c.Write(data)
			}
			s := start(t, w)
			config := clientTLS()
			config.MinVersion, config.MaxVersion = version, version
			c := newWire(t, tls.Client(over("ssl").socket(s), config))
			c.send("x\n")
			c.expect("x\n")
			if v := await(t, got, "message"); v != version {
				t.Errorf("version %x", v)
			}
		})
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	s := start(t, secure(echo("text://127.0.0.1:0")))
	config := clientTLS()
	config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	c := tls.Client(over("ssl").socket(s), config)
	defer c.Close()
	if err := c.Handshake(); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("got %v", err)
	}
}

// writePair puts the certificate of the tests into files.
func writePair(t *testing.T, dir, name string, pair tls.Certificate) worker.Pair {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	p := worker.Pair{
		CertFile: filepath.Join(dir, name+".crt"), KeyFile: filepath.Join(dir, name+".key"),
	}
	for file, block := range map[string]*pem.Block{
		p.CertFile: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		p.KeyFile:  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestClientCertificates(t *testing.T) {
	pool := x509.NewCertPool()
	pool.AddCert(selfSigned().Leaf)
	events := newEvents()
	w := secure(recorded("text://127.0.0.1:0", events))
	w.TLS.Config.ClientAuth = tls.RequireAndVerifyClientCert
	w.TLS.Config.ClientCAs = pool
	w.OnMessage = func(c *worker.Connection, data []byte) {
		events.add("client %s", c.TLS().PeerCertificates[0].Subject.CommonName)
	}
	s := start(t, w)
	config := clientTLS()
	config.Certificates = []tls.Certificate{selfSigned()}
	with := newWire(t, tls.Client(over("ssl").socket(s), config))
	with.send("x\n")
	events.expect(t, "connect 1", "client localhost")
	without := newWire(t, tls.Client(over("ssl").socket(s), clientTLS()))
	_, _ = io.WriteString(without, "x\n")
	if _, err := without.Read(make([]byte, 1)); err == nil ||
		!strings.Contains(err.Error(), "certificate required") {
		t.Errorf("without a certificate: %v", err)
	}
	events.expect(t, "connect 2", "close 2 CLOSED")
	events.none(t)
}

func TestManyHandshakesAtOnce(t *testing.T) {
	const clients = 50
	s := start(t, secure(echo("text://127.0.0.1:0")))
	failed := make(chan error, clients)
	for i := range clients {
		go func() { // ends with its round trip, which has a deadline
			failed <- func() error {
				conn, err := tls.Dial("tcp", s.addr, clientTLS())
				if err != nil {
					return err
				}
				defer conn.Close()
				message := strings.Repeat("x", i) + "\n"
				if _, err := io.WriteString(conn, message); err != nil {
					return err
				}
				got := make([]byte, len(message))
				if _, err := io.ReadFull(conn, got); err != nil || string(got) != message {
					return errors.Join(err, errors.New("wrong answer"))
				}
				return nil
			}()
		}()
	}
	for range clients {
		if err := await(t, failed, "client"); err != nil {
			t.Error(err)
		}
	}
}

func TestPausesInALargeTransfer(t *testing.T) {
	const size = 8 << 20
	overEvery(t, func(t *testing.T, o over) {
		got := make(chan bool, 1)
		w := o.worker(t, "")
		var all bytes.Buffer
		w.OnMessage = func(c *worker.Connection, data []byte) {
			all.Write(data)
			c.PauseRecv()
			worker.Post(c.ResumeRecv)
			if all.Len() == size {
				got <- bytes.Equal(all.Bytes(), pattern(size))
			}
		}
		s := start(t, w)
		c := o.open(s)
		c.send(string(pattern(size)))
		if !await(t, got, "the whole transfer") {
			t.Error("something was lost or moved")
		}
	})
}

func TestPausedConnectionKeepsWhatThePeerSentBeforeItClosed(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w := o.recorded(t, "text", events)
		w.OnMessage = func(c *worker.Connection, data []byte) {
			events.add("message %s", data)
			c.PauseRecv()
		}
		s := start(t, w)
		c := o.open(s)
		c.send("one\ntwo\n")
		events.expect(t, "connect 1", "message one")
		c.send("three\n")
		c.Close()
		for range 10 { // turns in which the loop may find out
			s.do(func() {})
		}
		events.none(t)
		for _, want := range []string{"message two", "message three"} {
			s.do(func() { w.Connection(1).ResumeRecv() })
			events.expect(t, want)
		}
		s.do(func() { w.Connection(1).ResumeRecv() })
		events.expect(t, "close 1 CLOSED")
		events.none(t)
	})
}

// TestDataRightBehindTheHandshake: what comes faster than handshakes are
// computed is slowed down and not lost.
func TestDataRightBehindTheHandshake(t *testing.T) {
	const clients, size = 20, 400 << 10
	s := start(t, secure(echo("tcp://127.0.0.1:0")))
	done := make(chan error, clients)
	for range clients {
		go func() { // ends with its connection
			done <- func() error {
				c, err := tls.Dial("tcp", s.addr, clientTLS())
				if err != nil {
					return err
				}
				defer c.Close()
				c.SetDeadline(time.Now().Add(deadline))
				go c.Write(pattern(size)) // ends with c
				got := make([]byte, size)
				if _, err := io.ReadFull(c, got); err != nil {
					return err
				}
				if !bytes.Equal(got, pattern(size)) {
					return errors.New("other bytes came back")
				}
				return nil
			}()
		}()
	}
	for range clients {
		if err := await(t, done, "end of a client"); err != nil {
			t.Error(err)
		}
	}
}
