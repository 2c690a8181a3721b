package webserver

import (
	"bufio"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/workerman-go/wm/worker"
)

// The callbacks of the connection are the author's, also while an answer is being
// sent.
func TestAnAuthorMayReplaceOnBufferDrainMeanwhile(t *testing.T) {
	const pieces = 512 // 16 MiB, more than the kernel takes
	opened := make(chan *worker.Connection, 1)
	drained := make(chan struct{}, pieces)
	s := withEntry(t, func(w http.ResponseWriter, r *http.Request) {
		for range pieces {
			w.Write(make([]byte, maxPiece))
		}
	}, func(s *WebServer) {
		s.OnConnect = func(c *worker.Connection) { opened <- c }
	})
	conn := dial(t, s.Addr("WebServer"))
	defer conn.Close()
	io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
	c := <-opened
	for full := false; !full; {
		s.Do("WebServer", func(*worker.Worker) {
			if full = c.SendQueueSize() > 0; full {
				c.OnBufferDrain = func(*worker.Connection) { drained <- struct{}{} }
			}
		})
	}
	must(t, conn.SetReadDeadline(time.Now().Add(deadline)))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	if n, err := io.Copy(io.Discard, response.Body); n != pieces*maxPiece || err != nil {
		t.Errorf("read %d bytes, %v, want %d", n, err, pieces*maxPiece)
	}
	if len(drained) == 0 {
		t.Error("the author's OnBufferDrain was not called")
	}
}
