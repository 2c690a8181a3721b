package worker_test

import (
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/workerman-go/wm/worker"
)

// gated lets the first Write through and holds up the others.
type gated struct {
	net.Conn
	answered chan struct{} // closed when something has come
	open     chan struct{}
	once     sync.Once
	writes   int
}

func (g *gated) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	g.once.Do(func() { close(g.answered) })
	return n, err
}

func (g *gated) Write(p []byte) (int, error) {
	if g.writes++; g.writes > 1 {
		<-g.open
	}
	return g.Conn.Write(p)
}

// stuck is the name of a host whose handshakes wait.
const stuck = "stuck.example"

// stalling serves TLS and asks for a certificate. Handshakes of stuck wait in a
// callback, and hold what others need to compute.
func stalling(t *testing.T, w *worker.Worker) (s *service, waiting, release chan struct{}) {
	waiting, release = make(chan struct{}, 64), make(chan struct{})
	secure(w)
	w.TLS.Config.ClientAuth = tls.RequireAnyClientCert
	w.TLS.Config.VerifyConnection = func(state tls.ConnectionState) error {
		if state.ServerName == stuck {
			waiting <- struct{}{}
			<-release
		}
		return nil
	}
	return start(t, w), waiting, release
}

// stuckConfig is for clients of stuck.
func stuckConfig() *tls.Config {
	config := clientTLS()
	config.ServerName, config.InsecureSkipVerify = stuck, true
	config.Certificates = []tls.Certificate{selfSigned()}
	return config
}

// stick begins handshakes that wait, until nobody else can compute.
func (s *service) stick(waiting chan struct{}) {
	for range max(1, runtime.GOMAXPROCS(0)-1) {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { conn.Close() })
		go tls.Client(conn, stuckConfig()).Handshake() // ends with conn
		await(s.t, waiting, "handshake that waits")
	}
}

func TestALargeCertificateOfASlowHandshakeIsReadToItsEnd(t *testing.T) {
	w := echo("tcp://127.0.0.1:0")
	accepted := conns(w)
	s, waiting, release := stalling(t, w)
	socket, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	socket.SetDeadline(time.Now().Add(deadline))
	gate := &gated{Conn: socket, answered: make(chan struct{}), open: make(chan struct{})}
	config := clientTLS()
	chain := selfSigned()
	for len(chain.Certificate) < 400 { // more than waits in memory for a handshake
		chain.Certificate = append(chain.Certificate, chain.Certificate[0])
	}
	config.Certificates = []tls.Certificate{chain}
	client := tls.Client(gate, config)
	shaken := make(chan error, 1)
	go func() { shaken <- client.Handshake() }() // ends with the deadline
	await(t, gate.answered, "answer to the hello")
	s.stick(waiting)
	close(gate.open)
	c := await(t, accepted, "connection")
	eventually(t, "enough unread ciphertext", func() (deaf bool) {
		s.do(func() { deaf = worker.Deaf(c) })
		return deaf
	})
	close(release)
	if err := await(t, shaken, "handshake"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(client, "hello"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(client, got); err != nil || string(got) != "hello" {
		t.Errorf("got %q and %v", got, err)
	}
}

// TestALostPeerOfASlowHandshake is about a loop that rests: the kernel reports
// the end of a connection in every turn.
func TestALostPeerOfASlowHandshake(t *testing.T) {
	w := echo("tcp://127.0.0.1:0")
	accepted := conns(w)
	s, waiting, release := stalling(t, w)
	socket, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	client := tls.Client(socket, stuckConfig())
	if err := client.Handshake(); err != nil { // the server has its doubts later
		t.Fatal(err)
	}
	await(t, waiting, "handshake that waits")
	socket.(*net.TCPConn).SetLinger(0)
	socket.Close()
	c := await(t, accepted, "connection")
	eventually(t, "nothing to report", func() (rests bool) {
		s.do(func() { rests = worker.Deaf(c) && !worker.Watched(c) })
		return rests
	})
	close(release)
	eventually(t, "the end", func() (gone bool) {
		s.do(func() { gone = worker.Stats().Connections == 0 })
		return gone
	})
}

func TestACertificateThatTakesLongHoldsUpNobodyElse(t *testing.T) {
	for name, wait := range map[string]func(c *tls.Config, ask func(host string)){
		"GetCertificate": func(c *tls.Config, ask func(host string)) {
			c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				ask(hello.ServerName)
				return nil, nil
			}
		},
		"GetConfigForClient": func(c *tls.Config, ask func(host string)) {
			c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
				ask(hello.ServerName)
				return nil, nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			waiting, release := make(chan struct{}, 64), make(chan struct{})
			w := secure(echo("tcp://127.0.0.1:0"))
			wait(w.TLS.Config, func(host string) {
				if host == stuck {
					waiting <- struct{}{}
					<-release
				}
			})
			s := start(t, w)
			s.stick(waiting)
			socket, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer socket.Close()
			socket.SetDeadline(time.Now().Add(deadline))
			if err := tls.Client(socket, clientTLS()).Handshake(); err != nil {
				t.Errorf("beside one that waits: %v", err)
			}
			close(release)
		})
	}
}
