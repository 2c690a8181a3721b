package webserver

import (
	"net/http"
	"strconv"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// What an entry has written, on the loop.

// push sends one piece, behind the head if it is the first, and gives back the
// token of room when the kernel has it.
func (w *writer) push(first bool, piece []byte) {
	c := w.c
	var err error
	if first {
		w.frozen.Set("Transfer-Encoding", "chunked")
		err = c.Send(&http1.Response{Status: w.status, Header: w.frozen})
	}
	if err == nil && len(piece) > 0 {
		err = c.Send(http1.Chunk(piece))
	}
	if err != nil {
		c.Destroy() // the goroutine waits for nothing else
		return
	}
	c.WhenSent(func(*worker.Connection) { w.room <- struct{}{} })
}

// finish sends what is left. A panic was logged and counted by worker.Go, but for
// that of http.ErrAbortHandler, which closes the connection.
func (w *writer) finish(err error, failed *http1.Response) {
	c := w.c
	if err == errShort {
		worker.Log("%v", err)
	}
	switch {
	case err != nil && w.begun, err == http.ErrAbortHandler:
		c.Destroy() // the client must not take it for the whole
	case err != nil:
		_ = c.Send(failed)
	case w.begun:
		_ = c.Send(http1.Chunk(nil))
	default:
		if w.head && w.written > 0 && w.length < 0 {
			w.frozen.Set("Content-Length", strconv.FormatInt(w.written, 10))
		}
		_ = c.Send(&http1.Response{Status: w.status, Header: w.frozen, Body: w.buf})
		_ = c.Send(http1.Chunk(nil)) // ends an event stream, and is nothing elsewhere
	}
}

var _ interface {
	http.ResponseWriter
	http.Flusher
} = (*writer)(nil)
