package worker_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

func TestCallbacksAreCopiedAtAccept(t *testing.T) { // trap T40
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "text")
		say := func(what string) func(c *worker.Connection, data []byte) {
			return func(c *worker.Connection, data []byte) { c.Send(what) }
		}
		w.OnMessage = say("old")
		s := start(t, w)
		before := o.open(s)
		before.send("\n")
		before.expect("old\n")
		s.do(func() { w.OnMessage = say("new") })
		before.send("\n")
		before.expect("old\n")
		after := o.open(s)
		after.send("\n")
		after.expect("new\n")
		s.do(func() { w.Connection(1).OnMessage = say("its own") })
		before.send("\n")
		before.expect("its own\n")
	})
}

func TestIDsAreSharedByBothDirections(t *testing.T) { // trap T42
	w := echo("text://127.0.0.1:0")
	accepted := conns(w)
	s := start(t, w)
	s.dial()
	first := await(t, accepted, "connection")
	dialled := make(chan *worker.Connection, 1)
	s.do(func() {
		c := worker.Dial("text://" + s.addr)
		c.OnConnect = func(c *worker.Connection) { dialled <- c }
	})
	second, third := await(t, dialled, "connection"), await(t, accepted, "connection")
	if first.ID != 1 || second.ID != 2 || third.ID != 3 {
		t.Errorf("ids %d, %d and %d", first.ID, second.ID, third.ID)
	}
}

// endless never finds the end of a message.
type endless struct{}

func (endless) Input(buf []byte, c protocol.Conn) (int, error)          { return 0, nil }
func (endless) Decode(frame []byte, c protocol.Conn) (any, error)       { return frame, nil }
func (endless) Encode(d []byte, v any, c protocol.Conn) ([]byte, error) { return d, nil }

func TestInputWithoutAnEndIsBounded(t *testing.T) { // trap T45
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w := o.recorded(t, "", events)
		w.Protocol = endless{}
		w.OnConnect = func(c *worker.Connection) { c.MaxPackageSize = 1 << 20 }
		s := start(t, w)
		c := o.open(s)
		io.WriteString(c, string(pattern(1<<20))) // as much as a message may have
		eventually(t, "all of it", func() (all bool) {
			s.do(func() { all = w.Connection(1).RecvQueueSize() == 1<<20 })
			return all
		})
		events.none(t)
		io.WriteString(c, "x")
		events.expect(t, "close 1 CLOSED")
	})
}

func TestMaxPackageSizeIsNotForTheHandshake(t *testing.T) {
	everyWebsocket(t, func(t *testing.T, w *worker.Worker, events events) {
		w.OnConnect = func(c *worker.Connection) { c.MaxPackageSize = 20 }
		s := start(t, w)
		c, _ := browse(t, s, "", nil)
		c.send("hello")
		c.expectText("hello")
		c.send(strings.Repeat("x", 100))
		c.expectClose(1009, "")
	})
}

func TestManySmallMessagesAreNotOneLargeOne(t *testing.T) { // trap T47
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "text")
		count, all := 0, make(chan struct{})
		w.OnConnect = func(c *worker.Connection) { c.MaxPackageSize = 20 }
		w.OnMessage = func(c *worker.Connection, data []byte) {
			if count++; count == 100000 {
				close(all)
			}
		}
		s := start(t, w)
		o.open(s).send(strings.Repeat("a message\n", 100000))
		await(t, all, "all messages")
	})
}

func TestRefusalReachesAClientThatIsStillSending(t *testing.T) { // trap T56
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "http")
		w.OnRequest = func(c *worker.Connection, r *http1.Request) { t.Error("a request") }
		s := start(t, w)
		c := o.open(s)
		sent := make(chan error, 1)
		go func() { // ends when all is sent, or with the deadline of the socket
			_, err := io.WriteString(c, "NOT HTTP\r\n\r\n"+string(pattern(1<<20)))
			sent <- err
		}()
		answer, err := io.ReadAll(c.r)
		if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 400 ")) {
			t.Errorf("got %.99q and %v", answer, err)
		}
		if err := await(t, sent, "end of sending"); err != nil {
			t.Error(err)
		}
	})
}

func TestHTTPS(t *testing.T) {
	w := secure(worker.New("http://127.0.0.1:0"))
	body := string(pattern(2 << 20))
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		c.Send(http1.NewResponse(200, nil, r.Path()+" "+body))
	}
	s := start(t, w)
	config := clientTLS()
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: deadline}
	for _, path := range []string{"/one", "/two"} {
		r, err := client.Get("https://" + s.addr + path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || string(got) != path+" "+body {
			t.Errorf("got %d bytes and %v", len(got), err)
		}
	}
	s.do(func() {
		if n := worker.Stats(); n.Connections != 1 || n.TotalRequest != 2 {
			t.Errorf("%+v", n)
		}
	})
}

func TestListenInsideOnWorkerStartOverTLSAndUDP(t *testing.T) {
	inner := secure(echo("text://127.0.0.1:0"))
	packets := echo("text://127.0.0.1:0")
	packets.Transport = "udp"
	w := echo("text://127.0.0.1:0")
	w.OnWorkerStart = func(w *worker.Worker) error {
		if err := inner.Listen(); err != nil {
			return err
		}
		return packets.Listen()
	}
	var addrs []string
	s := start(t, w, func(env *worker.Env) {
		env.Open = func(address string, _ bool) (int, error) {
			open := listen
			if strings.HasPrefix(address, "udp://") {
				open = listenUDP
			}
			fd, addr := open(t)
			addrs = append(addrs, addr)
			return fd, nil
		}
	})
	s.addr = addrs[0]
	c := over("ssl").open(s)
	c.send("hello\n")
	c.expect("hello\n")
	s.addr = addrs[1]
	p := s.sender()
	p.send("hello\n")
	p.expect("hello\n")
	if rows := list(s); len(rows) != 1 || rows[0].Transport != "ssl" {
		t.Errorf("got %+v", rows)
	}
}
