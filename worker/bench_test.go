package worker_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// BenchmarkEcho sends messages over a real socket, so many at a time, and waits
// for their answers; client and server share the processors.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{32, 4 << 10} {
		for _, inFlight := range []int{1, 16} {
			b.Run(fmt.Sprintf("text/%dB/%d", size, inFlight), func(b *testing.B) {
				line := append(bytes.Repeat([]byte("x"), size-1), '\n')
				exchange(b, echo("text://127.0.0.1:0"), line, line, inFlight)
			})
		}
	}
	b.Run("frame/32B/16", func(b *testing.B) {
		frame := append([]byte{0, 0, 0, 32}, make([]byte, 28)...)
		exchange(b, echo("frame://127.0.0.1:0"), frame, frame, 16)
	})
	b.Run("http/16", func(b *testing.B) {
		request := []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		exchange(b, hello(), request, answer(b, hello(), request), 16)
	})
}

func hello() *worker.Worker {
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Send("hello world") }
	return w
}

// answer asks once to learn how long an answer is.
func answer(b *testing.B, w *worker.Worker, request []byte) []byte {
	b.Helper()
	s := start(b, w)
	c := s.dial()
	c.send(string(request))
	line, err := io.ReadAll(io.LimitReader(c.r, 1))
	if err != nil {
		b.Fatal(err)
	}
	rest, err := c.r.Peek(c.r.Buffered())
	if err != nil {
		b.Fatal(err)
	}
	return append(line, rest...)
}

// exchange is one connection with a number of messages in flight.
func exchange(b *testing.B, w *worker.Worker, request, reply []byte, inFlight int) {
	s := start(b, w)
	c := s.dial()
	c.SetDeadline(noDeadline)
	batch := bytes.Repeat(request, inFlight)
	got := make([]byte, len(reply)*inFlight)
	b.ReportAllocs()
	b.SetBytes(int64(len(request) + len(reply)))
	b.ResetTimer()
	for sent := 0; sent < b.N; sent += inFlight {
		if _, err := c.TCPConn.Write(batch); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c.TCPConn, got); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBroadcast encodes once and sends to many.
func BenchmarkBroadcast(b *testing.B) {
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {}
	accepted := conns(w)
	s := start(b, w)
	const clients = 100
	for range clients {
		c := s.dial()
		c.SetDeadline(noDeadline)
		go io.Copy(io.Discard, c.TCPConn) // ends with the connection
		await(b, accepted, "connection")
	}
	message := bytes.Repeat([]byte("x"), 32)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		s.do(func() { w.Broadcast(message) })
	}
}
