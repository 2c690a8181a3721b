package worker

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
)

// Code of authors that is called off the loop; see callback.go.

// runHandler serves one request of a Handler, off the loop. It reports false
// after a panic, which is counted and logged here; that of http.ErrAbortHandler
// is no mistake and goes on to net/http.
func (p *Process) runHandler(h http.Handler, w http.ResponseWriter, r *http.Request) (ok bool) {
	defer func() {
		switch e := recover(); e {
		case nil:
		case http.ErrAbortHandler:
			panic(e)
		default:
			ok = false
			p.threw("Handler", e)
		}
	}()
	h.ServeHTTP(w, r)
	return true
}

// handshake makes the handshake of TLS for a Handler, off the loop; callbacks
// of the author's tls.Config run in it.
func (p *Process) handshake(ctx context.Context, conn *tls.Conn) (err error) {
	defer func() {
		if r := recover(); r != nil {
			p.threw("the tls.Config", r)
			err = errPanicked
		}
	}()
	return conn.HandshakeContext(ctx)
}

// attempt runs the first half of worker.Go, off the loop.
func attempt[T any](p *Process, fn func() (T, error)) (v T, err error) {
	defer func() {
		if r := recover(); r != nil {
			p.threw("worker.Go", r)
			err = fmt.Errorf("panic in worker.Go: %v", r)
		}
	}()
	return fn()
}
