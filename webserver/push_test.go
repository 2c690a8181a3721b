package webserver

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
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

// A browser shows how far a download is when it knows its length.
func TestALargeAnswerKeepsItsContentLength(t *testing.T) {
	const size = 100_000
	addr := withEntry(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(size))
		w.Write(make([]byte, size))
	}).Addr("WebServer")
	conn := dial(t, addr)
	defer conn.Close()
	in := bufio.NewReader(conn)
	for range 2 { // on one connection
		io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
		response, err := http.ReadResponse(in, nil)
		must(t, err)
		body, err := io.ReadAll(response.Body)
		must(t, err)
		if response.ContentLength != size || len(response.TransferEncoding) > 0 || len(body) != size {
			t.Errorf("Content-Length %d, %q, %d bytes, want %d",
				response.ContentLength, response.TransferEncoding, len(body), size)
		}
	}
}
