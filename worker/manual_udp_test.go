package worker_test

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/workerman-go/wm/worker"
)

// udpClient sends and receives datagrams.
type udpClient struct {
	net.Conn
	t testing.TB
}

func dialUDP(t testing.TB, addr string) *udpClient {
	t.Helper()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	return &udpClient{conn, t}
}

func (c *udpClient) send(s string) {
	c.t.Helper()
	if _, err := c.Write([]byte(s)); err != nil {
		c.t.Fatal(err)
	}
}

// expect takes one datagram.
func (c *udpClient) expect(want string) {
	c.t.Helper()
	got := make([]byte, 1<<16)
	n, err := c.Read(got)
	if err != nil || string(got[:n]) != want {
		c.t.Fatalf("got %.99q and %v, want %.99q", got[:n], err, want)
	}
}

func TestManualDatagrams(t *testing.T) {
	got := newEvents()
	w := worker.New("text://0.0.0.0:8484")
	w.Transport = "udp"
	w.OnConnect = func(c *worker.Connection) { got.add("connected") }
	w.OnClose = func(c *worker.Connection) { got.add("closed") }
	w.OnMessage = func(c *worker.Connection, data []byte) {
		got.add("%s from %s", data, c.RemoteAddr())
		if string(data) == "close" {
			c.Close("good bye")
			return
		}
		c.Send(data)
	}
	s := serve(t, w)
	u := dialUDP(t, s.addr)
	from := " from " + u.LocalAddr().String()
	u.send("one\ntwo\nthe rest is lost")
	u.expect("one\n")
	u.expect("two\n")
	u.send("close\n")
	u.expect("good bye\n")
	u.send("again\n") // the socket is still there
	u.expect("again\n")
	got.expect(t, "one"+from, "two"+from, "close"+from, "again"+from)
	got.none(t)
	s.do(func() {
		if n := worker.Stats(); n.TotalRequest != 3 || n.Connections != 0 {
			t.Errorf("%d requests and %d connections, want 3 and 0", n.TotalRequest, n.Connections)
		}
	})

	d := worker.Dialer{Transport: "udp"} // AsyncUdpConnection
	s.do(func() {
		c := d.Dial("text://" + s.addr)
		c.OnConnect = func(c *worker.Connection) { c.Send("ping") }
		c.OnMessage = func(c *worker.Connection, data []byte) {
			got.add("back: %s, id %v", data, c.ID > 0)
			c.Destroy()
		}
		c.OnClose = func(c *worker.Connection) { got.add("client closed") }
	})
	await(t, got, "message at the server")
	got.expect(t, "back: ping, id true", "client closed")
}

func TestManualDatagramsOfAnySize(t *testing.T) {
	w := worker.New("udp://0.0.0.0:8484")
	tooLong := make(chan error, 1)
	w.OnMessage = func(c *worker.Connection, data []byte) {
		if len(data) == 0 {
			tooLong <- c.Send(make([]byte, 65508))
			return
		}
		c.Send(data)
	}
	s := serve(t, w)
	u := dialUDP(t, s.addr)
	for _, n := range []int{1, 1500, 65507} {
		message := string(bytes.Repeat([]byte{'x'}, n))
		u.send(message)
		u.expect(message)
	}
	u.send("")
	if err := await(t, tooLong, "answer"); err == nil {
		t.Error("65508 bytes: no error")
	}
}

func TestManualDatagramPanic(t *testing.T) {
	w := worker.New("udp://0.0.0.0:8484")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		c.Send(data[3:])
	}
	s := serve(t, w)
	u := dialUDP(t, s.addr)
	u.send("a")
	u.send("abcd")
	u.expect("d")
	s.do(func() {
		if n := worker.Stats().ThrowException; n != 1 {
			t.Errorf("throw_exception %d, want 1", n)
		}
	})
}
