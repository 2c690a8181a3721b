package worker_test

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/worker"
)

// relay makes a Worker that connects each client with addr (features.md 19.24).
func relay(addr string, d worker.Dialer) *worker.Worker {
	w := worker.New("tcp://127.0.0.1:0")
	w.OnConnect = func(c *worker.Connection) {
		to := d.Dial(addr)
		c.Pipe(to)
		to.Pipe(c)
	}
	return w
}

func TestRelayBringsEverythingToASlowReader(t *testing.T) {
	size := 50 << 20
	if raceEnabled || testing.Short() {
		size = 10 << 20
	}
	for _, scheme := range []string{"tcp", "ssl"} {
		t.Run(scheme, func(t *testing.T) {
			good := make(chan bool, 1)
			handle := func(conn io.ReadWriteCloser) {
				sent := make(chan struct{})
				go func() { // ends with the data or the connection
					defer close(sent)
					io.Copy(struct{ io.Writer }{conn}, newBulk(1, size))
				}()
				from, p, ok := newBulk(2, size), make([]byte, 5000), true
				for from.left > 0 && ok {
					n, err := conn.Read(p)
					ok = from.check(p[:n]) && err == nil
				}
				<-sent
				good <- ok
				conn.Close() // all at once behind the last byte
			}
			var addr string
			if scheme == "tcp" {
				addr = peer(t, func(conn net.Conn) { handle(conn) })
			} else {
				addr = tlsPeer(t, &tls.Config{}, func(conn *tls.Conn) { handle(conn) })
			}
			w := relay(scheme+"://"+addr, overTLS())
			s := start(t, w)
			most := 0
			conn, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(3 * deadline))
			go io.Copy(struct{ io.Writer }{conn}, newBulk(2, size)) // ends with the data or conn
			from, p := newBulk(1, size), make([]byte, 3000)
			for i := 0; from.left > 0; i++ {
				n, err := conn.Read(p)
				if err != nil || !from.check(p[:n]) {
					t.Fatalf("%v with %d bytes to come", err, from.left)
				}
				if i%1000 == 0 {
					s.do(func() {
						for c := range w.Connections() {
							most = max(most, c.SendQueueSize()+c.RecvQueueSize())
						}
					})
				}
			}
			if !<-good {
				t.Error("other bytes at the other side")
			}
			if most > 3<<20 {
				t.Errorf("%d bytes waited", most)
			}
			if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
				t.Errorf("at the end %d bytes and %v", len(rest), err)
			}
			eventually(t, "both sides closed", func() (none bool) {
				s.do(func() { none = worker.Stats().Connections == 0 })
				return none
			})
		})
	}
}

func TestRelayToNobodyClosesItsClient(t *testing.T) {
	s := start(t, relay("tcp://"+refused(t), worker.Dialer{}))
	c := s.dial()
	c.expectEnd()
}

func TestRelayTellsTheOtherSide(t *testing.T) {
	s := start(t, relay("tcp://"+peer(t, func(conn net.Conn) {
		io.WriteString(conn, strings.Repeat("x", 100_000)+"end")
	}), worker.Dialer{}))
	c := s.dial()
	c.discard(100_000)
	c.expect("end")
	c.expectEnd()
}
