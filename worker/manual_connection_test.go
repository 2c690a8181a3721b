package worker_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/worker"
)

// What the manual says of connections beyond its examples.

func TestManualContextOfTheWorker(t *testing.T) {
	w := echo("text://0.0.0.0:8484")
	s := serve(t, w)
	ctx := w.Context()
	if err := ctx.Err(); err != nil {
		t.Errorf("while it serves: %v", err)
	}
	s.do(func() { worker.StopAll(0, "") })
	await(t, ctx.Done(), "end of the context")
}

func TestManualIDsAreShared(t *testing.T) {
	ids := make(chan uint64, 3)
	w := worker.New("text://0.0.0.0:8484")
	w.OnConnect = func(c *worker.Connection) { ids <- c.ID }
	s := serve(t, w)
	s.dial()
	if id := await(t, ids, "connection"); id != 1 {
		t.Errorf("the first has id %d, want 1", id)
	}
	s.do(func() {
		c := worker.Dial("text://" + s.addr)
		if c.ID != 2 || c.Worker != nil || !c.Dialled() {
			t.Errorf("dialled: id %d, Worker %v, Dialled %v", c.ID, c.Worker, c.Dialled())
		}
		if n := worker.Stats().Connections; n != 2 {
			t.Errorf("%d connections with the one that is being made, want 2", n)
		}
	})
	if id := await(t, ids, "its other end"); id != 3 {
		t.Errorf("the third has id %d, want 3", id)
	}
}

func TestManualConnectionAsJSON(t *testing.T) {
	w := worker.New("text://0.0.0.0:8484")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		if c.Fd() < 0 || !c.IsIPv4() || c.IsIPv6() || c.Transport() != "tcp" {
			t.Errorf("fd %d, ipv4 %v, ipv6 %v, transport %s",
				c.Fd(), c.IsIPv4(), c.IsIPv6(), c.Transport())
		}
		c.Send(c)
	}
	s := serve(t, w)
	c := s.dial()
	c.send("who am I?\n")
	var got map[string]any
	if err := json.NewDecoder(c.r).Decode(&got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"id": 1.0, "status": "ESTABLISHED", "transport": "tcp", "is_ipv4": true, "is_ipv6": false,
		"remote_ip": "127.0.0.1", "remote_address": c.LocalAddr().String(),
		"local_address": s.addr,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}

func TestManualBytesAreCounted(t *testing.T) {
	closed := newEvents()
	w := echo("text://0.0.0.0:8484")
	w.OnClose = func(c *worker.Connection) {
		closed.add("%d read, %d written", c.BytesRead, c.BytesWritten)
	}
	s := serve(t, w)
	c := s.dial()
	c.send("hello\r\n")
	c.expect("hello\n")
	c.Close()
	closed.expect(t, "7 read, 6 written")
}

// Raw connections get what one read brings, at most 64 KiB.
func TestManualRawChunks(t *testing.T) {
	const size = 1 << 20
	all := make(chan bool, 1)
	var got bytes.Buffer
	w := worker.New("tcp://0.0.0.0:8484")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		if len(data) == 0 || len(data) > 64<<10 {
			t.Errorf("a chunk of %d bytes", len(data))
		}
		if got.Write(data); got.Len() == size {
			all <- bytes.Equal(got.Bytes(), pattern(size))
		}
	}
	s := serve(t, w)
	s.dial().send(string(pattern(size)))
	if !await(t, all, "all of it") {
		t.Error("not what was sent")
	}
}

func TestManualPipe(t *testing.T) {
	const size = 12 << 20 // more than may wait, so that the reader slows the writer
	real := elsewhere(t, func(conn net.Conn) {
		// Without the methods that keep pipes in the kernel for later.
		io.Copy(struct{ io.Writer }{conn}, struct{ io.Reader }{conn})
	})
	w := worker.New("tcp://0.0.0.0:8484")
	w.OnConnect = func(c *worker.Connection) {
		other := worker.Dial("tcp://" + real)
		c.MaxSendBufferSize, other.MaxSendBufferSize = 64<<10, 64<<10
		c.Pipe(other)
		other.Pipe(c)
	}
	s := serve(t, w)
	c := s.dial()
	sent := make(chan error, 1)
	go func() { // ends when everything is written, or c is closed
		_, err := c.Write(pattern(size))
		sent <- err
	}()
	got := make([]byte, size/2)
	if _, err := io.ReadFull(c.r, got); err != nil || !bytes.Equal(got, pattern(size)[:size/2]) {
		t.Errorf("the first half came back changed, %v", err)
	}
	s.do(func() {
		if n := worker.Stats().SendFail; n > 0 {
			t.Errorf("%d messages lost", n)
		}
	})
	c.Close()
	<-sent
	eventually(t, "both ends are closed", func() (none bool) {
		s.do(func() { none = worker.Stats().Connections == 0 })
		return none
	})
}

// talker is text that speaks first, and notes when it is over.
type talker struct {
	protocol.Protocol
	got events
}

func (p talker) OnConnect(c protocol.Conn) { _ = c.SendRaw([]byte("protocol speaks\n")) }
func (p talker) OnClose(c protocol.Conn)   { p.got.add("protocol: closed") }

func (p talker) Encode(dst []byte, v any, c protocol.Conn) ([]byte, error) {
	if v == "nothing" {
		return dst, nil
	}
	return p.Protocol.Encode(dst, v, c)
}

func TestManualProtocolHooks(t *testing.T) {
	got := newEvents()
	addr := elsewhere(t, func(conn net.Conn) {
		said := make([]byte, len("protocol speaks\nauthor speaks\nlater\n"))
		_, err := io.ReadFull(conn, said)
		got.add("%q %v", said, err)
	})
	protocol.Register("talker", talker{text.Protocol, got})
	s := serve(t, worker.New(""))
	s.do(func() {
		c := worker.Dial("talker://" + addr)
		c.OnConnect = func(c *worker.Connection) {
			c.Send("author speaks")
			got.add("%v", c.Send("nothing"))
			worker.Post(func() { c.Send("later") })
		}
		c.OnClose = func(c *worker.Connection) { got.add("author: closed") }
	})
	got.expect(t, "<nil>", `"protocol speaks\nauthor speaks\nlater\n" <nil>`,
		"author: closed", "protocol: closed")
}

func TestManualUnixAddresses(t *testing.T) {
	got := newEvents()
	path := filepath.Join(t.TempDir(), "s")
	w := worker.New("text://" + path)
	w.Transport = "unix"
	w.OnMessage = func(c *worker.Connection, data []byte) {
		got.add("%q %d %v %v %s", c.RemoteIP(), c.RemotePort(), c.IsIPv4(), c.IsIPv6(), c.LocalAddr())
	}
	s := serve(t, w)
	s.do(func() {
		d := worker.Dialer{Transport: "unix"}
		d.Dial("text://" + path).Send("hello")
	})
	got.expect(t, strings.Join([]string{`""`, "0", "false", "false", path}, " "))
}

// listenBoth opens a listener of [::] as the master does.
func listenBoth(t *testing.T) (fd int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	if err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0); err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet6{})
	}
	if err == nil {
		err = unix.Listen(fd, 8)
	}
	if err != nil {
		unix.Close(fd)
		t.Skipf("no IPv6 here: %v", err)
	}
	return fd
}

func TestManualBothIPVersions(t *testing.T) {
	fd := listenBoth(t)
	var port string
	w := worker.New("")
	w.OnWorkerStart = func(w *worker.Worker) error {
		inner := worker.New("text://[::]:8484")
		inner.OnConnect = func(c *worker.Connection) {
			c.Send([]any{c.RemoteIP(), c.IsIPv4(), c.IsIPv6()})
		}
		if err := inner.Listen(); err != nil {
			return err
		}
		var err error
		_, port, err = net.SplitHostPort(inner.Addr().String())
		return err
	}
	serve(t, w, func(env *worker.Env) {
		env.Open = func(string, bool) (int, error) { return fd, nil }
	})
	dial(t, "127.0.0.1:"+port).expect(`["127.0.0.1",true,false]` + "\n")
	dial(t, "[::1]:"+port).expect(`["::1",false,true]` + "\n")
}
