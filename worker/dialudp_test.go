package worker_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/worker"
)

// udpPeer sends back what it gets until the test ends.
func udpPeer(t testing.TB) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends with the socket
		defer close(done)
		p := make([]byte, 64<<10)
		for {
			n, from, err := conn.ReadFromUDP(p)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				conn.WriteToUDP(p[:n], from)
			}
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return conn
}

func TestUDPClient(t *testing.T) {
	addr := udpPeer(t).LocalAddr().String()
	for _, scheme := range []string{"udp", "text", "frame"} {
		t.Run(scheme, func(t *testing.T) {
			d := worker.Dialer{Transport: "udp"}
			o := clientOnly(t).connectTo(d, scheme+"://"+addr, func(o *outgoing) {
				o.OnBufferDrain = nil
				o.Send("early 1")
				o.Send("early 2")
				o.OnConnect = func(c *worker.Connection) {
					o.add("connect %s", c.Transport())
					c.Send("connected")
				}
			})
			o.expect(t, "connect udp", "message early 1", "message early 2", "message connected")
			o.do(func() {
				if o.RemoteAddr().String() != addr || o.RemoteAddr().Network() != "udp" || o.LocalPort() == 0 {
					t.Errorf("%v to %v", o.LocalAddr(), o.RemoteAddr())
				}
				o.PauseRecv()
				o.Send("held")
			})
			o.do(func() {})
			o.none(t)
			o.do(o.ResumeRecv)
			o.expect(t, "message held")
			o.do(func() { o.Close("last") })
			o.expect(t, "close")
			o.gone(t)
		})
	}
}

func TestSizeOfDatagrams(t *testing.T) {
	addr := udpPeer(t).LocalAddr().String()
	largest := pattern(65507)
	for _, early := range []bool{true, false} {
		o := clientOnly(t).connectTo(worker.Dialer{}, "udp://"+addr, func(o *outgoing) {
			o.OnBufferDrain = nil
			o.OnMessage = func(_ *worker.Connection, data []byte) { o.add("%v", bytes.Equal(data, largest)) }
			send := func(c *worker.Connection) {
				if err := c.Send(largest); err != nil {
					t.Errorf("65507 bytes: %v", err)
				}
				if err := c.Send(pattern(65508)); !errors.Is(err, unix.EMSGSIZE) {
					t.Errorf("65508 bytes: %v", err)
				}
			}
			if early {
				send(o.Connection)
				return
			}
			o.OnConnect = func(c *worker.Connection) { send(c); o.add("connect") }
		})
		o.expect(t, "connect", "true")
		o.end(t)
	}
}

func TestUDPCloseInOnConnectBringsEverything(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	addr := conn.LocalAddr().String()
	o := clientOnly(t).connectTo(worker.Dialer{}, "udp://"+addr, func(o *outgoing) {
		o.OnBufferDrain = nil
		o.Send("early")
		o.OnConnect = func(c *worker.Connection) {
			c.Send("second")
			c.Close("last")
		}
	})
	o.expect(t, "close")
	conn.SetDeadline(time.Now().Add(deadline))
	p := make([]byte, 100)
	for _, want := range []string{"early", "second", "last"} {
		n, err := conn.Read(p)
		if err != nil || string(p[:n]) != want {
			t.Errorf("got %q and %v, want %q", p[:n], err, want)
		}
	}
}

func TestPortUnreachableDoesNotEndAUDPClient(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	addr := conn.LocalAddr().(*net.UDPAddr)
	conn.Close()
	for _, paused := range []bool{false, true} {
		t.Run(fmt.Sprint("paused ", paused), func(t *testing.T) {
			o := clientOnly(t).connectTo(worker.Dialer{}, "udp://"+addr.String())
			o.expect(t, "connect")
			o.do(func() {
				if paused {
					o.PauseRecv()
				}
				for range 5 {
					if err := o.Send("into the void"); err != nil {
						t.Errorf("Send = %v", err)
					}
				}
			})
			// The loop would not rest with an error that nobody takes.
			eventually(t, "the error is taken", func() (taken bool) {
				o.do(func() {
					fds := []unix.PollFd{{Fd: int32(o.Fd())}}
					n, err := unix.Poll(fds, 0)
					taken = n == 0 && err == nil
				})
				return taken
			})
			back, err := net.ListenUDP("udp", addr)
			if err != nil {
				t.Skip("somebody has taken the port")
			}
			defer back.Close()
			o.do(func() { o.Send("hello") })
			back.SetDeadline(time.Now().Add(deadline))
			p := make([]byte, 100)
			n, from, err := back.ReadFromUDP(p)
			if err != nil || string(p[:n]) != "hello" {
				t.Fatalf("got %q and %v", p[:n], err)
			}
			back.WriteToUDP([]byte("answer"), from)
			o.do(o.ResumeRecv)
			o.expect(t, "message answer")
			o.end(t)
		})
	}
}

func TestUDPReconnect(t *testing.T) {
	addr := udpPeer(t).LocalAddr().String()
	o := clientOnly(t).connectTo(worker.Dialer{}, "udp://"+addr, func(o *outgoing) {
		o.OnConnect = func(c *worker.Connection) { c.Send("x") }
	})
	o.expect(t, "message x")
	o.do(func() { o.Reconnect(0) })
	o.expect(t, "close", "message x")
	o.end(t)
}
