package worker

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// responder is the ResponseWriter of a Handler. It knows what was answered, and
// when the process leaves it says so in answers that have not begun.
type responder struct {
	http.ResponseWriter
	n        *handled
	status   int   // 0: nothing has been answered
	bytes    int64 // of the body
	hijacked bool
}

// responder1 and responder2 have what net/http offers beside ResponseWriter in
// HTTP/1 and in HTTP/2: authors look for it by type assertions.
type (
	responder1 struct{ *responder }
	responder2 struct{ *responder }
)

// facade is what the Handler gets.
func (w *responder) facade(r *http.Request) http.ResponseWriter {
	if r.ProtoMajor >= 2 {
		return responder2{w}
	}
	return responder1{w}
}

// begin is called before the head of the answer is made.
func (w *responder) begin(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	if w.n.draining.Load() && status != http.StatusSwitchingProtocols {
		w.Header().Set("Connection", "close") // HTTP/2 makes a GOAWAY of it
	}
}

// finish is the end of a Handler that has returned.
func (w *responder) finish() {
	if !w.hijacked {
		w.begin(http.StatusOK)
	}
}

// fail is the end of a Handler that has panicked: the answer is cut off, or,
// when it has not begun, 500 and the end of the connection, as for OnRequest.
func (w *responder) fail() {
	switch {
	case w.hijacked:
	case w.status != 0:
		panic(http.ErrAbortHandler)
	default:
		clear(w.Header())
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// WriteHeader is http.ResponseWriter.
func (w *responder) WriteHeader(status int) {
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		w.begin(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write is http.ResponseWriter.
func (w *responder) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// WriteString is io.StringWriter.
func (w *responder) WriteString(s string) (int, error) {
	w.begin(http.StatusOK)
	n, err := io.WriteString(w.ResponseWriter, s)
	w.bytes += int64(n)
	return n, err
}

// Flush is http.Flusher.
func (w *responder) Flush() { _ = w.FlushError() }

// FlushError is what http.ResponseController calls.
func (w *responder) FlushError() error {
	w.begin(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController set deadlines.
func (w *responder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// CloseNotify is http.CloseNotifier, which some routers still ask for.
func (w *responder) CloseNotify() <-chan bool {
	return w.ResponseWriter.(interface{ CloseNotify() <-chan bool }).CloseNotify()
}

// ReadFrom is io.ReaderFrom: a file goes to the client by sendfile(2).
func (w responder1) ReadFrom(r io.Reader) (int64, error) {
	w.begin(http.StatusOK)
	n, err := w.ResponseWriter.(io.ReaderFrom).ReadFrom(r)
	w.bytes += n
	return n, err
}

// Hijack is http.Hijacker.
func (w responder1) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := w.ResponseWriter.(http.Hijacker).Hijack()
	w.hijacked = w.hijacked || err == nil
	return conn, rw, err
}

// Push is http.Pusher.
func (w responder2) Push(target string, opts *http.PushOptions) error {
	return w.ResponseWriter.(http.Pusher).Push(target, opts)
}
