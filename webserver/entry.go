package webserver

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// handle has h answer.
func (a ask) handle(h http.Handler) {
	if a.collected() {
		a.s.complain("a form above http1.MaxUploadMemory", errNoBody)
		_ = a.c.Send(a.s.pages.tooLarge)
		return
	}
	r := a.r.Std() // with a body of its own: the goroutine may outlast the answer
	local := a.c.LocalAddr()
	w := &writer{
		c: a.c, ctx: a.c.Context(), header: make(http.Header), extra: a.s.Header,
		head: r.Method == http.MethodHead, room: make(chan struct{}, 1),
	}
	w.room <- struct{}{}
	failed := a.s.pages.failed
	worker.Go(w.ctx, func(ctx context.Context) (struct{}, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		ctx = context.WithValue(ctx, http.ServerContextKey, entryServer)
		ctx = context.WithValue(ctx, http.LocalAddrContextKey, local)
		if err := w.run(h, r.WithContext(ctx)); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, w.end()
	}, func(_ struct{}, err error) { w.finish(err, failed) })
}

// entryServer stands in the contexts of requests as the http.Server of package
// net/http does: handlers look for it to learn whether they may end an answer by
// http.ErrAbortHandler. httputil.ReverseProxy is one of them.
var entryServer = new(http.Server)

// run calls h. The panic by which it ends an answer early is no mistake, and all
// others are those of worker.Go.
func (w *writer) run(h http.Handler, r *http.Request) (err error) {
	defer func() {
		switch e := recover(); e {
		case nil:
		case http.ErrAbortHandler:
			err = http.ErrAbortHandler
		default:
			panic(e)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

// errNoBody is why a request does not reach its handler.
var errNoBody = errors.New("no entry of net/http can have it")

// collected says that the body was taken apart as it came, so that a handler would
// find none.
func (a ask) collected() bool {
	kind := a.r.Header("Content-Type")
	return strings.HasPrefix(strings.ToLower(kind), "multipart/") && len(a.r.RawBody()) == 0 &&
		len(a.r.Files())+len(a.r.Form()) > 0
}

// maxPiece is how much of an answer of an entry is collected before it is sent.
// There are at most three such pieces of one answer in memory: one that is being
// written, one on its way to the loop, and one in the send buffer.
const maxPiece = 32 << 10

// writer is the http.ResponseWriter of an entry. It is used by the goroutine of the
// entry, but for push and finish, which run on the loop.
type writer struct {
	c      *worker.Connection
	ctx    context.Context // of the connection
	header http.Header
	extra  http.Header // of the WebServer
	head   bool        // the answer is one to HEAD

	status  int         // 0 until WriteHeader
	frozen  http.Header // header as of WriteHeader
	length  int64       // what it says of the body; -1: nothing
	written int64       // of the body, also what HEAD does not send
	buf     []byte
	spare   []byte // the piece before, which push has copied when room says so
	begun   bool   // a part was given to the loop

	room chan struct{} // has a token when what was given to the loop is with the kernel
}

// errGone is what Write returns when the client is gone.
var errGone = errors.New("webserver: the connection is closed")

// errShort is an answer that ended before the Content-Length of its entry.
var errShort = errors.New("webserver: an entry wrote less than its Content-Length")

func (w *writer) Header() http.Header { return w.header }

// WriteHeader takes the first status that is not an interim one. Those are sent at
// once.
func (w *writer) WriteHeader(status int) {
	switch {
	case status == http.StatusSwitchingProtocols || status < 100 || status > 999:
		panic("webserver: an entry cannot answer with status " + strconv.Itoa(status))
	case w.status != 0:
	case status < http.StatusOK:
		interim := &http1.Response{Status: status, Header: w.header.Clone()}
		w.c.Post(func(c *worker.Connection) { _ = c.Send(interim) })
	default:
		w.status = status
		w.frozen = merged(w.header.Clone(), w.extra)
		w.frozen.Del("Transfer-Encoding") // is not the entry's to say
		w.promise()
	}
}

// promise reads the Content-Length that the entry has set. It is held to it: an
// answer that breaks off must not arrive as a whole one that is shorter.
func (w *writer) promise() {
	length, err := strconv.ParseUint(w.frozen.Get("Content-Length"), 10, 63)
	if w.length = int64(length); err != nil {
		w.length = -1
		w.frozen.Del("Content-Length")
	}
}

// bodiless says that nothing follows the head.
func (w *writer) bodiless() bool {
	return w.status == http.StatusNoContent || w.status == http.StatusNotModified
}

func (w *writer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.bodiless() {
		return 0, http.ErrBodyNotAllowed
	}
	if w.length >= 0 && int64(len(p)) > w.length-w.written {
		return 0, http.ErrContentLength
	}
	w.written += int64(len(p))
	if w.head {
		return len(p), nil
	}
	written := 0
	for len(p) > 0 {
		n := min(maxPiece-len(w.buf), len(p))
		w.buf = append(w.buf, p[:n]...)
		p, written = p[n:], written+n
		if len(w.buf) == maxPiece {
			if err := w.FlushError(); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

// Flush is http.Flusher.
func (w *writer) Flush() { _ = w.FlushError() }

// FlushError sends what was written so far, when the client has taken what came
// before. http.ResponseController finds it.
func (w *writer) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.head || w.bodiless() { // it comes when the handler has returned
		return nil
	}
	if err := w.wait(); err != nil {
		return err
	}
	first, piece := !w.begun, w.buf
	w.begun = true
	w.buf, w.spare = w.spare[:0], piece
	if first {
		w.guess(piece)
	}
	w.c.Post(func(c *worker.Connection) { w.push(first, piece) })
	return nil
}

// wait takes the token of room.
func (w *writer) wait() error {
	select { // not at random when it is both
	case <-w.room:
		return nil
	default:
	}
	select {
	case <-w.room:
		return nil
	case <-w.ctx.Done():
		return errGone
	}
}

// guess sets a Content-Type as package net/http does.
func (w *writer) guess(body []byte) {
	if len(w.frozen["Content-Type"]) == 0 && len(body) > 0 {
		w.frozen.Set("Content-Type", http.DetectContentType(body))
	}
}

// end is the last that the goroutine does: when it returns the kernel has all but
// the end of an answer in parts, so that the end is not refused for a backlog.
func (w *writer) end() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.written < w.length && !w.head && !w.bodiless() {
		return errShort
	}
	if !w.begun {
		w.guess(w.buf)
		return nil
	}
	if len(w.buf) > 0 {
		if err := w.FlushError(); err != nil {
			return err
		}
	}
	return w.wait()
}
