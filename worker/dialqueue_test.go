package worker_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/worker"
)

func TestWhatIsSentEarlyIsBoundedAndKeepsItsOrder(t *testing.T) {
	for _, scheme := range []string{"tcp", "text", "frame", "ws", "ssl", "udp"} {
		t.Run(scheme, func(t *testing.T) {
			w := echo(strings.Replace(scheme, "ws", "websocket", 1) + "://127.0.0.1:0")
			if scheme == "ssl" {
				secure(w)
			}
			s := start(t, w)
			d := worker.Dialer{TLS: worker.TLS{Config: clientTLS()}}
			var back strings.Builder
			message := strings.Repeat("m", 600)
			o := s.connectTo(d, scheme+"://"+s.addr, func(o *outgoing) {
				o.MaxSendBufferSize = 1000
				o.OnMessage = func(_ *worker.Connection, data []byte) {
					if back.Write(data); back.Len() == len("first")+2*len(message) {
						o.add("all")
					}
				}
				for _, m := range []string{"first", message, message} {
					if err := o.Send(m); err != nil {
						t.Errorf("Send of %d bytes: %v", len(m), err)
					}
				}
				if got := o.SendQueueSize(); got < 1200 {
					t.Errorf("SendQueueSize = %d, want at least 1200", got)
				}
				<-o.events // full
				failures := worker.Stats().SendFail
				if err := o.Send("more"); !errors.Is(err, worker.ErrBufferFull) {
					t.Errorf("Send above the limit = %v", err)
				}
				if got := worker.Stats().SendFail; got != failures+1 {
					t.Errorf("send_fail %d, want %d", got, failures+1)
				}
				if got := <-o.events; got != "error 2" {
					t.Errorf("got %q, want OnError 2", got)
				}
			})
			o.expect(t, "connect", "drain", "all")
			if want := "first" + message + message; back.String() != want {
				t.Errorf("%d bytes came back, in another order", back.Len())
			}
			s.do(func() {
				if n := o.SendQueueSize(); n != 0 {
					t.Errorf("%d bytes still wait", n)
				}
			})
			o.end(t)
		})
	}
}

func TestWhatIsSentEarlyCountsAgainstTheProcess(t *testing.T) {
	for _, scheme := range []string{"tcp", "ws", "ssl", "udp"} {
		t.Run(scheme, func(t *testing.T) {
			w := worker.New("")
			w.Limits.QueuedBytes = 1000
			s := start(t, w)
			addr := silent(t)
			s.do(func() {
				first := worker.Dial(scheme + "://" + addr)
				if err := first.Send(strings.Repeat("x", 1000)); err != nil {
					t.Error(err)
				}
				second := worker.Dial(scheme + "://" + addr)
				if err := second.Send("x"); !errors.Is(err, worker.ErrBufferFull) {
					t.Errorf("Send beside it = %v, want ErrBufferFull", err)
				}
				first.Destroy()
				if err := second.Send("x"); err != nil {
					t.Errorf("Send after its end = %v", err)
				}
				second.Destroy()
			})
		})
	}
}

// hailer says hello on dialled connections.
type hailer struct{}

func (hailer) Input(buf []byte, _ protocol.Conn) (int, error)    { return len(buf), nil }
func (hailer) Decode(frame []byte, _ protocol.Conn) (any, error) { return frame, nil }
func (hailer) Encode(dst []byte, v any, _ protocol.Conn) ([]byte, error) {
	return protocol.AppendText(append(dst, '/'), v)
}
func (hailer) OnConnect(c protocol.Conn) { c.SendRaw([]byte("hello")) }

func TestProtocolSpeaksBehindOnConnectAndBeforeEarlyMessages(t *testing.T) {
	addr, all := collects(t)
	o := clientOnly(t).connectTo(worker.Dialer{}, "tcp://"+addr, func(o *outgoing) {
		o.SetProtocol(hailer{})
		o.Send("early")
		o.OnConnect = func(c *worker.Connection) { c.Send("connected") }
		o.OnBufferDrain = func(c *worker.Connection) { c.Close("last") }
	})
	o.expect(t, "close")
	if got, want := await(t, all, "data"), "hello/early/connected/last"; got != want {
		t.Errorf("%q arrived, want %q", got, want)
	}
}

func TestPausedBeforeItConnects(t *testing.T) {
	w := echo("websocket://127.0.0.1:0")
	s := start(t, w)
	for _, resume := range []string{"before it connects", "when it stands"} {
		t.Run(resume, func(t *testing.T) {
			o := s.connectTo(worker.Dialer{}, "ws://"+s.addr, func(o *outgoing) {
				o.OnBufferDrain = nil
				o.Send("early")
				o.PauseRecv()
				if resume == "before it connects" {
					o.ResumeRecv()
				}
				o.OnWebSocketConnected = func(c *worker.Connection) { o.add("open") }
			})
			o.expect(t, "connect", "open")
			o.do(func() { o.ResumeRecv() })
			o.expect(t, "message early")
			o.end(t)
		})
	}
}

func TestPeerThatClosesBehindItsMessage(t *testing.T) {
	addr := peer(t, func(conn net.Conn) { io.WriteString(conn, "bye") })
	o := clientOnly(t).connectTo(worker.Dialer{}, "tcp://"+addr)
	o.expect(t, "connect", "message bye", "close")
	o.gone(t)
}

// slammer is a protocol that sends raw bytes and closes instead of encoding.
type slammer struct{ pairs }

func (slammer) Encode(dst []byte, _ any, c protocol.Conn) ([]byte, error) {
	c.SendRaw([]byte("stray"))
	c.Close()
	return append(dst, "lost"...), nil
}

func TestRawBytesOfADestroyedConnectionReachNobodyElse(t *testing.T) {
	addr, all := collects(t)
	s := clientOnly(t)
	o := s.connectTo(worker.Dialer{}, "tcp://"+addr)
	o.expect(t, "connect")
	s.do(func() {
		gone := worker.Dial("tcp://" + addr)
		gone.SetProtocol(slammer{})
		if err := gone.Send("x"); !errors.Is(err, worker.ErrClosed) {
			t.Errorf("Send = %v, want ErrClosed", err)
		}
		o.SetProtocol(pairs{})
		o.Send("mine")
		o.Close()
	})
	if got := await(t, all, "data"); got != "[mine]" {
		t.Errorf("%q arrived", got)
	}
}

func TestAnAddressIsDialledBesideAnyWork(t *testing.T) {
	const places = 1024 // of worker.Go
	addr := tlsPeer(t, &tls.Config{}, func(conn *tls.Conn) { io.Copy(conn, conn) })
	s := clientOnly(t)
	release := make(chan struct{})
	defer close(release)
	for range places {
		worker.Go(t.Context(), func(context.Context) (int, error) {
			<-release
			return 0, nil
		}, nil)
	}
	for _, scheme := range []string{"tcp", "ssl"} {
		o := s.connectTo(overTLS(), scheme+"://"+addr)
		o.expect(t, "connect")
		o.do(o.Destroy)
	}
}
