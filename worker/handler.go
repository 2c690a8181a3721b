package worker

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/http1"
)

// headBytes is what the head of a request for a Handler may have, as in
// protocol/http1.
const headBytes = 16 << 10

// handling is the http.Server of a Worker with a Handler, one per process. It
// gets connections that the loop has accepted; its requests run on goroutines.
// It is never told to Shutdown: that closes idle connections and throws away
// requests that are just coming in. See handedConn.retire instead.
type handling struct {
	p       *Process
	worker  *Worker
	server  http.Server
	handler http.Handler
	tls     *tls.Config // nil without TLS
	access  *accessLog  // nil without one
	queue   *handedQueue
	ctx     context.Context // of all requests
	cancel  context.CancelFunc
}

// handled is what the Handlers of a process have done, and what they are to know
// of its end. Any goroutine.
type handled struct {
	requests, failures atomic.Int64
	running            atomic.Int64 // requests in a Handler
	draining           atomic.Bool  // somebody waits for them, and answers say Connection: close
	cut                atomic.Bool  // nobody waits any more
}

// settled says that a drain need not wait for a Handler.
func (n *handled) settled() bool { return n.running.Load() == 0 || n.cut.Load() }

// checkHandler refuses what Handler does not go with.
func (w *Worker) checkHandler(p protocol.Protocol) error {
	switch {
	case w.AccessLog != "" && !isA(p, http1.Protocol):
		return errors.New("AccessLog is set, but the protocol is not http")
	case w.Handler == nil:
		return nil
	case w.address == "" || !isA(p, http1.Protocol):
		return errors.New("Handler is set, but the protocol is not http: " +
			"it needs an address like http://0.0.0.0:8080")
	case w.OnRequest != nil:
		return errors.New("Handler and OnRequest are both set, and a request can only go to one")
	}
	return nil
}

// handles says that c is, or is going to be, served by a Handler.
func (c *Connection) handles() bool { return c.flags&handed != 0 }

// byHandler is welcome for a Worker with a Handler: everything about the peer is
// known, and its socket leaves the loop.
func (c *Connection) byHandler() {
	c.flags |= handed // nothing can be sent
	if c.onConnect(); Status(c.status) != Established {
		return
	}
	p, h := c.p, c.Worker.startHandling()
	if err := p.loop.Unwatch(int(c.fd)); err != nil && err != eventloop.ErrNotWatched {
		p.logf("%v", err)
	}
	s, err := newHandedConn(c, h)
	if err != nil {
		c.Worker.noSocket(err)
		c.destroy()
		return
	}
	c.dropIn()
	c.more().handed = s
	if h.tls == nil {
		c.checkOpened()
		h.queue.push(s.facade())
		return
	}
	c.flags |= opening
	go s.shake(tls.Server(s.facade(), h.tls)) // ends with the handshake, or when c is closed
}

// noSocket is for a connection that could not leave the loop. Without descriptors
// the next ones have to wait as well.
func (w *Worker) noSocket(err error) {
	var errno syscall.Errno
	if w.listener != nil && errors.As(err, &errno) && w.listener.reasons&noResources == 0 {
		w.listener.fail(errno)
		return
	}
	w.p.logf("hand over a connection: %v", err)
}

// shake makes the handshake of TLS and then lets the http.Server have the
// connection. The deadline is a timer of the loop, which closes c.
func (s *handedConn) shake(conn *tls.Conn) {
	err := s.h.p.handshake(s.h.ctx, conn)
	state := conn.ConnectionState()
	if err == nil {
		s.h2 = state.NegotiatedProtocol == "h2"
		s.h.queue.push(conn)
	}
	s.c.Post(func(c *Connection) {
		if err != nil {
			c.explain(err)
			c.destroy()
			return
		}
		s.tls = &state
		c.flags &^= opening
		c.checkOpened()
	})
}

// startHandling returns the server, which begins with the first connection.
func (w *Worker) startHandling() *handling {
	if w.handling != nil {
		return w.handling
	}
	h := &handling{
		p: w.p, worker: w, handler: w.Handler, access: w.access, queue: newHandedQueue(),
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	if w.network == overTLS {
		h.tls = w.tls.Clone()
		h.tls.DynamicRecordSizingDisabled = false
		if len(h.tls.NextProtos) == 0 {
			h.tls.NextProtos = []string{"h2", "http/1.1"}
		}
	}
	h.server = http.Server{
		Handler:           h,
		ReadHeaderTimeout: w.headTimeout(),
		IdleTimeout:       max(w.Limits.IdleTimeout, 0),
		MaxHeaderBytes:    headBytes,
		ConnState:         noteState,
		ErrorLog:          log.New(debugLog{w.p}, "", 0),
		BaseContext:       func(net.Listener) context.Context { return h.ctx },
	}
	w.handling = h
	go h.server.Serve(h.queue) // ends when the queue is closed, and returns nothing else
	return h
}

// headTimeout is Limits.RequestTimeout as net/http understands it.
func (w *Worker) headTimeout() time.Duration {
	if d := w.Limits.RequestTimeout; d != 0 {
		return d
	}
	return defaultRequestTimeout
}

// debugLog is where net/http complains of clients.
type debugLog struct{ p *Process }

// Write takes one text.
func (d debugLog) Write(text []byte) (int, error) {
	if d.p.env.Debug {
		d.p.logLine(strings.TrimSuffix(string(text), "\n"))
	}
	return len(text), nil
}

// cutRequests ends the contexts of all requests, and the wait for them.
func (p *Process) cutRequests() {
	p.handled.cut.Store(true)
	for _, w := range p.workers {
		if w.handling != nil {
			w.handling.cancel()
		}
	}
}

// endHandling stops the servers of a process that is destroyed.
func (p *Process) endHandling() {
	p.cutRequests()
	for _, w := range p.workers {
		if w.handling != nil {
			w.handling.queue.Close()
			w.handling = nil
		}
	}
}

// ServeHTTP runs the author's Handler, on the goroutine of the request.
func (h *handling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := &h.p.handled
	n.requests.Add(1)
	n.running.Add(1)
	defer h.served()
	h.name(r)
	a := &responder{ResponseWriter: w, n: n}
	if h.access != nil {
		defer h.access.addRequest(a, r)
	}
	if h.p.runHandler(h.handler, a.facade(r), r) {
		a.finish()
	} else {
		a.fail()
	}
}

// served is the end of a request, which a drain may wait for.
func (h *handling) served() {
	n := &h.p.handled
	if n.running.Add(-1) == 0 && n.draining.Load() {
		h.p.loop.Post(func() {}) // what comes at the end of each turn looks again
	}
}
