package worker_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/worker"
)

// beside is text that uses what connections offer beside protocol.Conn: a line
// that begins with "await" is delivered when release was received from, and a
// protocol.Body is sent behind a line of its own.
type beside struct {
	protocol.Protocol
	release chan struct{}
}

func (b *beside) Decode(frame []byte, c protocol.Conn) (any, error) {
	if bytes.HasPrefix(frame, []byte("await")) && c.State() == nil {
		c.(protocol.Awaiter).Await(func() { <-b.release }, func() { c.SetState(true) })
		return nil, protocol.Wait
	}
	c.SetState(nil)
	return bytes.TrimSuffix(frame, []byte{'\n'}), nil
}

func (b *beside) Encode(dst []byte, v any, c protocol.Conn) ([]byte, error) {
	if body, ok := v.(protocol.Body); ok {
		dst = append(dst, "file\n"...)
		return dst, c.(protocol.BodySender).SendBody(body)
	}
	if body, ok := v.(panicBehind); ok {
		_ = c.(protocol.BodySender).SendBody(body.Body)
		panic("boom")
	}
	return b.Protocol.Encode(dst, v, c)
}

// panicBehind is a Body whose message cannot be encoded.
type panicBehind struct{ protocol.Body }

// openFile is a regular file of which the kernel may send parts; readFile hides that.
type openFile struct{ *os.File }

func (f openFile) Descriptor() int { return int(f.Fd()) }

type readFile struct{ *os.File }

func largeFile(t testing.TB, size int) (path string, content []byte) {
	t.Helper()
	path, content = filepath.Join(t.TempDir(), "large"), pattern(size)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, content
}

func mustOpen(t testing.TB, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestBodyIsSentInOrder(t *testing.T) {
	const size = 5 << 20
	path, content := largeFile(t, size)
	for name, file := range map[string]func(f *os.File) protocol.File{
		"sent": func(f *os.File) protocol.File { return openFile{f} },
		"read": func(f *os.File) protocol.File { return readFile{f} },
	} {
		t.Run(name, func(t *testing.T) {
			overEvery(t, func(t *testing.T, o over) {
				w := o.worker(t, "text")
				w.Protocol = &beside{Protocol: text.Protocol}
				w.OnMessage = func(c *worker.Connection, data []byte) {
					c.Send("before")
					if err := c.Send(protocol.Body{File: file(mustOpen(t, path)), Offset: 5,
						Length: size - 10}); err != nil {
						t.Error(err)
					}
					second := mustOpen(t, path)
					defer second.Close()
					err := c.Send(protocol.Body{File: readFile{second}, Length: 1})
					if err != protocol.ErrBody {
						t.Errorf("a second body: %v, want ErrBody", err)
					}
					c.Send("behind")
					c.Close("last")
				}
				c := o.open(start(t, w))
				c.send("go\n")
				c.expect("before\nfile\n")
				got := make([]byte, size-10)
				if _, err := io.ReadFull(c.r, got); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, content[5:size-5]) {
					t.Error("the file came changed")
				}
				c.expect("behind\nlast\n")
				c.expectEnd()
			})
		})
	}
}

func TestShortenedBodyEndsTheConnection(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		path, content := largeFile(t, 1000)
		w := o.worker(t, "text")
		w.Protocol = &beside{Protocol: text.Protocol}
		w.OnMessage = func(c *worker.Connection, data []byte) {
			c.Send(protocol.Body{File: openFile{mustOpen(t, path)}, Length: 1001})
			c.Send("never")
		}
		s := start(t, w)
		c := o.open(s)
		c.send("go\n")
		c.expect("file\n" + string(content))
		c.expectCut()
		s.logged("a file that is being sent")
	})
}

func TestBodyOfAClientThatLeavesIsClosed(t *testing.T) {
	path, _ := largeFile(t, 8<<20)
	overEvery(t, func(t *testing.T, o over) {
		closed := make(chan struct{})
		w := o.worker(t, "text")
		w.Protocol = &beside{Protocol: text.Protocol}
		w.OnClose = func(c *worker.Connection) { close(closed) }
		f := mustOpen(t, path)
		w.OnMessage = func(c *worker.Connection, data []byte) {
			c.Send(protocol.Body{File: openFile{f}, Length: 8 << 20})
			c.Send("behind")
		}
		s := start(t, w)
		c := o.open(s)
		c.send("go\n")
		c.expect("file\n")
		c.Close()
		await(t, closed, "OnClose")
		s.do(func() {
			if err := f.Close(); err == nil {
				t.Error("the file was left open")
			}
		})
	})
}

func TestAwaitHoldsBothDirections(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		b := &beside{Protocol: text.Protocol, release: make(chan struct{})}
		w := o.worker(t, "text")
		w.Protocol = b
		begun := make(chan *worker.Connection, 1)
		w.OnMessage = func(c *worker.Connection, data []byte) { c.Send(data) }
		w.OnConnect = func(c *worker.Connection) { begun <- c }
		s := start(t, w)
		c := o.open(s)
		conn := await(t, begun, "connection")
		for round := range 3 {
			c.send("a\nb\nawait\nc\nawait\n")
			c.expect("a\nb\n")
			s.do(func() { conn.Send(fmt.Sprint(round)); conn.Flush() })
			s.do(func() {
				if conn.SendQueueSize() == 0 {
					t.Error("what was sent meanwhile did not wait")
				}
			})
			b.release <- struct{}{}
			c.expect(fmt.Sprint(round) + "\nawait\nc\n")
			b.release <- struct{}{}
			c.expect("await\n")
		}
		c.send("await\nd\n")
		s.do(func() { conn.Close("last") })
		close(b.release) // or it was closed before the line came
		if rest, err := io.ReadAll(c.r); err != nil || !strings.HasSuffix(string(rest), "last\n") {
			t.Errorf("got %q, %v, want the last message and the end", rest, err)
		}
	})
}

// Nobody hears of what was awaited for a connection that has closed.
func TestAwaitOfAClosedConnection(t *testing.T) {
	events := newEvents()
	b := &beside{Protocol: text.Protocol, release: make(chan struct{})}
	w := over("tcp").recorded(t, "text", events)
	w.Protocol = b
	s := start(t, w)
	c := s.dial()
	events.expect(t, "connect 1")
	c.send("await\n")
	s.do(func() {
		for c := range w.Connections() {
			c.Destroy()
		}
	})
	events.expect(t, "close 1 CLOSED")
	close(b.release)
	eventually(t, "the end of the work", func() bool {
		quiet := false
		s.do(func() { quiet = s.p.Waiting() == "nothing" })
		return quiet
	})
	events.none(t)
}

// What was awaited in one life of a dialled connection is not done in the next.
func TestAwaitOfAFormerLife(t *testing.T) {
	addr := peer(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	o := clientOnly(t).connectTo(worker.Dialer{}, "tcp://"+addr)
	o.expect(t, "connect")
	first, second := make(chan struct{}), make(chan struct{})
	o.do(func() {
		o.Await(func() { <-first }, func() { o.add("first") })
		o.Destroy()
		o.Connect()
	})
	o.expect(t, "close", "connect")
	o.do(func() { o.Await(func() { <-second }, func() { o.add("second") }) })
	close(first)
	eventually(t, "the end of the first work", func() (one bool) {
		o.do(func() { one = strings.HasSuffix(o.s.p.Waiting(), " 1 worker.Go") })
		return one
	})
	o.do(func() { o.Send("x") })
	o.do(func() {
		if o.SendQueueSize() != 1 {
			t.Error("what was sent did not wait for the second work")
		}
	})
	close(second)
	o.expect(t, "second", "drain")
	o.do(func() { o.Destroy() })
}

// A body that begins in an Encode which panics is not sent without its head.
func TestBodyOfAnEncodeThatPanics(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		path, _ := largeFile(t, 100<<10)
		w := o.worker(t, "text")
		w.Protocol = &beside{Protocol: text.Protocol}
		f := mustOpen(t, path)
		w.OnMessage = func(c *worker.Connection, data []byte) {
			if string(data) != "panic" {
				c.Send(data)
				return
			}
			c.Send(panicBehind{protocol.Body{File: openFile{f}, Length: 100 << 10}})
		}
		s := start(t, w)
		c := o.open(s)
		c.send("panic\nnext\n")
		c.expect("next\n")
		if f.Close() == nil {
			t.Error("the file was left open")
		}
		s.logged("panic in OnRequest or OnValue")
	})
}
