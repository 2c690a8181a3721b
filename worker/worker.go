package worker

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/http1"
)

// defaultReadyTimeout is what a process has for OnWorkerStart.
const defaultReadyTimeout = 30 * time.Second

// defaultBacklog is the length of a listener's queue (features.md 12.15).
const defaultBacklog = 102400

// Worker is an author's declaration: an address, the number of processes that
// serve it, and the functions they call. Owned by the loop; no locking.
type Worker struct {
	// ID is the slot of this process, 0 to Count-1. A replacement gets the
	// slot of the process it replaces. -1 in the probe. Read only.
	ID int
	// Name labels the Worker in status and in log lines. Default "none".
	Name string
	// User and Group are who the processes run as; only root can change
	// that. Empty: as the master, and the user's own group.
	User, Group string
	// Count is how many processes serve this Worker. Below 1 becomes 1.
	Count int
	// Reloadable says whether a reload replaces the processes. Without it
	// they stay and only run OnWorkerReload. New sets true.
	Reloadable bool

	// Transport is "tcp", "udp", "ssl" or "unix". New takes it from a scheme
	// of that name and sets "tcp" for all others; with another value a
	// protocol is served over it: New("websocket://0.0.0.0:443") with "ssl"
	// is what clients call wss, New("text:///run/app.sock") with "unix" is
	// text on a Unix socket. Http and websocket do not go over udp.
	Transport string
	// Protocol cuts the bytes of connections into messages. Set it to beat
	// the one that the scheme of the address names; nil is that one, and
	// raw bytes for tcp.
	Protocol protocol.Protocol
	// TLS has the certificates of transport "ssl".
	TLS TLS
	// ReusePort gives each process a queue of its own, filled by the kernel,
	// instead of one queue for all: bursts of connections are spread evenly.
	// No connection is lost by it: the master keeps the sockets over
	// reloads, and while a process is missing, or stuck for a second,
	// another one serves its queue. One that pauses accepting, or is at its
	// Limits.Connections, leaves its queue waiting.
	// Changing it needs a restart. Not for unix, and not for port 0.
	ReusePort bool
	// Backlog is the length of the listener's queue. New sets 102400.
	Backlog int

	// OnWorkerStart prepares a process: it opens what the callbacks need and
	// adds timers. An error or a panic ends the process with status 250 and
	// fails the start or the reload; nil makes it ready. Runs in the worker
	// process, on the loop goroutine, before the first connection; the
	// process serves nobody while it blocks.
	OnWorkerStart func(w *Worker) error
	// OnWorkerStop is for what must be done before the process leaves. It is
	// not called when the process crashes or is killed. Runs in the worker
	// process, on the loop goroutine; must not block.
	OnWorkerStop func(w *Worker)
	// OnWorkerReload is called instead of a replacement when Reloadable is
	// false. Runs in the worker process, on the loop goroutine; must not
	// block.
	OnWorkerReload func(w *Worker)
	Callbacks

	// Handler serves the requests of an http Worker instead of OnRequest: any
	// handler or router of net/http, over HTTP/1, and over HTTP/2 with transport
	// ssl. It is set in Start or in OnWorkerStart. Connections are accepted,
	// limited, counted and drained as those of other Workers, OnConnect and
	// OnClose are called, and Close, End and Destroy close their sockets. They
	// are the Handler's otherwise: they cannot be sent to, Send returns
	// ErrClosed, and their BytesRead and BytesWritten are what went over the
	// wire, TLS included. A connection costs a goroutine and buffers, about 20
	// KB more than one of OnRequest, and a request about three times the
	// processor time: it is the way for code that is there already, or that
	// waits.
	//
	// Runs in the worker process, on a goroutine of each request: it may
	// block, and reaches what the loop owns by Post alone. The request's
	// context ends when its client goes, and when a drain waits no longer,
	// after nine tenths of Life.StopTimeout; endless answers look at
	// Worker.Context, which ends when the drain begins. Hijacked connections
	// count until they are closed. A panic is answered with 500 when nothing
	// was answered yet. The head of a request may take Limits.RequestTimeout and
	// have 16 KiB; how long a body takes is the Handler's to say.
	Handler http.Handler
	// AccessLog is the path of a file that gets a line for each answer of an
	// http Worker, in the combined format of Apache and nginx; empty: none.
	// What clients say is escaped, so that nobody can forge a line. The file is
	// opened by the process, as its user, with mode 0640; an error fails the
	// start. The path is relative to the working directory of the service:
	// better absolute.
	//
	// Lines are written together, within a second, and at the end of the
	// process. As long as the disk does not take them 1 MiB of them waits;
	// beyond that they are dropped, which wm.log tells. A file that was renamed
	// or removed is made again within a second of the next line: log rotation
	// needs no signal. Answers that stream or have a file are noted when they
	// begin, those of a Handler when they end; requests that net/http refuses
	// by itself are not noted.
	AccessLog string

	// Life is how the master treats the processes.
	Life Life
	// Limits bounds what one process takes on.
	Limits Limits
	// Data is the author's alone.
	Data any

	address, source string // as given to New, and where
	app, appDir     string
	p               *Process // nil until it is served
	listener        *listener
	former          *listener // of udp, in a process that leaves: answers go out there
	paused          bool      // PauseAccept
	codec           *codec
	certs           *certificates // of transport ssl, once it is served
	lent            lending
	handling        *handling  // of Handler, once somebody has connected
	access          *accessLog // of AccessLog, once it is served
	conns           connections
	open            atomic.Int64 // how many, for other goroutines; see Shares
	network         network
	tls             *tls.Config
	proxies         []netip.Prefix // of Limits.TrustedProxies
	trustsUnix      bool           // the same
	perIP           map[[16]byte]int
	patience        patience
	extensions      []func(w *Worker)
	requirements    []func() error
}

// Callbacks are what happens to connections. Those of a Worker are copied to
// each connection when it is accepted and may be replaced there; changing the
// Worker's later touches new connections only. A callback that is nil is
// skipped. A panic in one is logged, counted in throw_exception, and the
// process lives on.
type Callbacks struct {
	// OnConnect is called once, before the first message. Runs in the worker
	// process, on the loop goroutine; must not block.
	OnConnect func(c *Connection)
	// OnMessage is called for each message of a protocol that delivers bytes
	// (raw tcp, text, frame, websocket). data is valid until the callback
	// returns: keep a copy, or use Text. Runs in the worker process, on the
	// loop goroutine; must not block.
	OnMessage func(c *Connection, data []byte)
	// OnRequest is called for each request of protocol http. Runs in the
	// worker process, on the loop goroutine; must not block.
	OnRequest func(c *Connection, r *http1.Request)
	// OnValue is called for each message of a protocol whose Decode returns
	// something else; see Value for a typed one. Runs in the worker process,
	// on the loop goroutine; must not block.
	OnValue func(c *Connection, v any)
	// OnClose is called once, however the connection ended, and never inside
	// Send. The connection is still among Worker.Connections, closed. Runs
	// in the worker process, on the loop goroutine; must not block.
	OnClose func(c *Connection)
	// OnError tells that a message was not sent: ErrBufferFull, inside the
	// Send that was refused, or the system's error, at the end of the turn
	// and before OnClose. Runs in the worker process, on the loop goroutine;
	// must not block.
	OnError func(c *Connection, code ErrorCode, err error)
	// OnBufferFull is called inside the Send whose backlog reaches
	// MaxSendBufferSize, once until the backlog was empty again: stop
	// producing. Runs in the worker process, on the loop goroutine; must not
	// block.
	OnBufferFull func(c *Connection)
	// OnBufferDrain is called when a backlog became empty: go on producing.
	// Runs in the worker process, on the loop goroutine; must not block.
	OnBufferDrain func(c *Connection)

	// OnWebSocketConnect is called with the upgrade request, before the answer
	// to it. Close refuses the client with 403, Close(response) with an
	// *http1.Response; ReplyHeader takes what the answer is to say beside the
	// usual. r is valid until the callback returns. A panic refuses with 500.
	// Accepted connections only. Runs in the worker process, on the loop
	// goroutine; must not block.
	OnWebSocketConnect func(c *Connection, r *http1.Request)
	// OnWebSocketConnected is called when the handshake is done, on both sides;
	// a client finds the server's answer in ReplyHeader. Runs in the worker
	// process, on the loop goroutine; must not block.
	OnWebSocketConnected func(c *Connection)
	// OnWebSocketClose is called when the peer's close frame has come, with
	// 1005 when it named no code. It replaces the answer: call Close, which
	// returns the peer's code, or CloseCode, or nothing is closed (trap T77).
	// Runs in the worker process, on the loop goroutine; must not block.
	OnWebSocketClose func(c *Connection, code int, reason string)
	// OnWebSocketPing is called for a ping. It replaces the pong: send one
	// with c.SendRaw(websocket.AppendPong(nil, data, c)). Runs in the worker
	// process, on the loop goroutine; must not block.
	OnWebSocketPing func(c *Connection, data []byte)
	// OnWebSocketPong is called for a pong, also for the answers to the pings
	// of Dialer.PingInterval. Runs in the worker process, on the loop
	// goroutine; must not block.
	OnWebSocketPong func(c *Connection, data []byte)
}

// Life is how the master treats the processes of a Worker.
type Life struct {
	// ReadyTimeout is how long a process may take from its start to ready.
	// New sets 30 s, and so does 0.
	ReadyTimeout time.Duration
	// StopTimeout is how long it may take to leave before it is killed; behind
	// the time that DrainRate takes. 0: that of Settings.
	StopTimeout time.Duration
	// DrainRate is how many websockets a second this Worker closes at most, all its
	// processes together, when they are replaced: by a reload, by MaxAge,
	// MaxRequests or MaxMemory. Their clients read 1012 (service restart) and come
	// back, and are to be spread over time when they do. Each process takes the
	// Count-th part, and a higher rate where it would need more than 20 s. One that
	// is replaced while processes before it still close serves its websockets until
	// they are done. The StopTimeout begins when its own time is over. Connections of other protocols
	// with a last word (protocol.Farewell without protocol.Leaver) count as
	// websockets. A stop, and a Worker with StopFirst, closes all at once. New sets
	// 2,000, and so does 0; below 0: all at once too.
	DrainRate int
	// HangTimeout is how long one turn of the loop may take. A process that
	// takes longer is killed, its stacks are logged, and it is replaced.
	// Looked at once a second. 0: for ever.
	HangTimeout time.Duration
	// MaxAge, MaxRequests and MaxMemory renew a process that reaches one of
	// them, as a reload would: the new one is ready before the old one
	// leaves, and never two at a time in the service. MaxAge and MaxRequests
	// are spread by up to 10 % above, so that the processes of a Worker do
	// not reach them together. MaxMemory is in bytes of private memory.
	// Looked at once a second. 0: no limit.
	MaxAge      time.Duration
	MaxRequests int64
	MaxMemory   int64
	// StopFirst ends the old process before a reload starts the new one, for
	// Workers that cannot have two processes in one slot. New sets it when
	// there is no address.
	StopFirst bool
	// StopLast keeps the processes of this Worker in a graceful stop until those
	// of all Workers without it are gone, for Workers that others need until
	// their last connection is closed.
	StopLast bool
	// Essential ends the whole service with status 1 when a process cannot
	// be kept running: after eight early ends of one slot in a row, without
	// ten seconds of life between them. It is for
	// containers and systemd, which restart what has ended. Without it the
	// master goes on trying, every 30 s at last.
	Essential bool
	// MaxProcs is GOMAXPROCS of each process. New sets 2: the loop, and the
	// harness and worker.Go beside it.
	MaxProcs int
}

// New declares a Worker and returns it with the defaults set; what the author
// changes afterwards, in Start, counts. The address is scheme://host:port,
// where the scheme is tcp, udp or ssl for bytes as they come, or names a
// protocol, or unix:///path; an empty one makes a Worker that serves nobody
// and has timers only. New never fails: start and check
// report a bad address with the line of this call. It runs in the probe, in
// the worker processes of the app, and, inside OnWorkerStart, for Listen.
func New(address string) *Worker {
	w := &Worker{
		ID:         -1,
		Name:       "none",
		Count:      1,
		Reloadable: true,
		Backlog:    defaultBacklog,
		Life: Life{ReadyTimeout: defaultReadyTimeout, DrainRate: defaultDrainRate,
			MaxProcs: 2},
		address: address,
	}
	if address == "" {
		w.Life.StopFirst = true
	} else {
		w.Transport = transportOf(address)
	}
	register(w)
	return w
}

// Text makes an OnMessage of a function that wants a string of its own.
func Text(fn func(c *Connection, s string)) func(*Connection, []byte) {
	return func(c *Connection, data []byte) { fn(c, string(data)) }
}

// Value makes an OnValue of a function that wants one type. A value of any
// other type is a mistake of the protocol and panics.
func Value[T any](fn func(c *Connection, v T)) func(*Connection, any) {
	return func(c *Connection, v any) { fn(c, v.(T)) }
}

// Context is cancelled when the process is told to leave. In the probe it is
// never cancelled. It may be called by any goroutine once the process serves.
func (w *Worker) Context() context.Context {
	if w.p == nil {
		return context.Background()
	}
	return w.p.ctx
}
