package worker

import (
	"context"
	"fmt"
	"net/http"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/preamble"
	"github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/tlsengine"
)

// Connection is one client socket, one dialled socket, or the sender of one
// datagram. Owned by the loop, no locking: other goroutines reach it with Post
// alone. It may be kept after its end; then it is Closed and sends nothing.
type Connection struct {
	// ID is 1 for the first connection of the process, and so on; incoming
	// and outgoing ones share the counter. 0 for datagrams. Read only.
	ID uint64
	// Worker is the one that accepted it; nil for a dialled connection.
	Worker *Worker
	// Data is the author's alone; the framework never writes it. See the
	// function Data for a typed one.
	Data any
	Callbacks
	// MaxSendBufferSize is the backlog in bytes at which Send refuses. It is
	// a threshold and no cap: below it a message of any size is taken.
	MaxSendBufferSize int
	// MaxPackageSize is the longest message the protocol accepts, in bytes;
	// a longer one closes the connection. Raw connections have none.
	MaxPackageSize int
	// BytesRead and BytesWritten count what the kernel gave and took; with TLS
	// what was in it. What PROXY headers and proxies say does not count.
	BytesRead, BytesWritten uint64

	p     *Process
	codec *codec
	state any     // the protocol's
	in    *buffer // unparsed bytes; nil when there are none
	out   *buffer // unsent bytes; nil when there are none
	extra *extra  // what few connections need

	fd      int32
	place   int32  // in Worker.conns or Process.dialled
	counted uint32 // bytes of it in output.backlog
	need    uint32 // length of the message whose beginning is in in; 0: unknown
	since   uint32 // seconds from the start of the process to the accept
	heard   uint32 // milliseconds of the drain until the last bytes came
	errno   uint16 // of a failed write, dealt with at the end of the turn
	port    uint16
	ip      [16]byte
	flags   flags
	status  uint8
	network network
	idle    uint8 // looks of Worker.lookIdle since it was busy
}

// extra is what few connections need, or all of them for a short time only.
type extra struct {
	ctx      context.Context
	cancel   context.CancelFunc
	linger   eventloop.TimerID
	deadline eventloop.TimerID // of what comes before the first message
	preamble preamble.Preamble // nil when it is over
	head     []byte            // what came, as long as it may become a PROXY header
	tls      *tlsengine.Engine // nil without TLS
	dial     *dial             // nil for accepted connections
	header   http.Header       // of the 101
	upgrade  *websocket.Connecting
	body     *body       // sent behind out
	handed   *handedConn // the socket that left the loop
	awaits   *int        // calls of Await in this life that are not done; nil: none
	former   []former    // of SetProtocol in the callback of a message
	whenSent []func(c *Connection)
	zone     uint32 // of the link-local sender of a datagram
}

// network is how the bytes of a connection travel.
type network uint8

const (
	overTCP network = iota
	overTLS
	overUnix
	overUDP
)

// networks are the values of Worker.Transport.
var networks = map[string]network{
	"tcp": overTCP, "ssl": overTLS, "unix": overUnix, "udp": overUDP,
}

// String returns the name of the transport, as in Worker.Transport.
func (n network) String() string { return [...]string{"tcp", "ssl", "unix", "udp"}[n] }

// flags are the switches of a connection.
type flags uint32

const (
	queued    flags = 1 << iota // waits for the end of the turn
	blocked                     // out is backlog: the kernel refused its beginning
	full                        // OnBufferFull ran since the backlog was empty
	paused                      // PauseRecv
	deaf                        // the loop does not report bytes to read
	resumed                     // in is to be parsed without new bytes
	halfOpen                    // End shut down our side
	told                        // protocol.Leaver knows of the drain
	opening                     // what is sent waits for connect, proxies or TLS
	layered                     // bytes pass extra.tls
	prefaced                    // bytes go to extra.preamble
	datagram                    // each message is a packet
	notified                    // TLS has told the peer that nothing more comes
	suspect                     // its first bytes must not be a PROXY header
	perIP                       // it is in Worker.perIP
	holding                     // messages wait outside out, see heldBack
	resting                     // what is in in waits for a later turn, see rest.go
	owing                       // the message delivered last has no answer yet, see owe.go
	awaiting                    // the protocol does something that blocks, see await.go
	streaming                   // extra.body follows out
	skipped                     // the protocol took something and delivered nothing
	listed                      // in Worker.patience, for its request
	slowly                      // in Worker.patience, for its answer
	anew                        // a message was delivered since it was looked at there
	handed                      // the Handler has it, or is about to, see handler.go
	ahead                       // the peer had sent more when its end began, see close.go
)

// socket is how the loop sees a connection, so that OnEvents is not among the
// methods an author meets.
type socket Connection

// Status returns where the connection is in its life.
func (c *Connection) Status() Status { return Status(c.status) }

// SendQueueSize returns how many bytes wait in this process to be sent, pending
// and backlog together.
func (c *Connection) SendQueueSize() int { return c.waiting() }

// RecvQueueSize returns how many received bytes wait for the rest of their
// message, for ResumeRecv, or for a later turn of the loop.
func (c *Connection) RecvQueueSize() int { return c.in.size() }

// Context is cancelled when the connection closes. Called on the loop
// goroutine; the result may go anywhere.
func (c *Connection) Context() context.Context {
	c.p.own("Connection.Context")
	x := c.more()
	if x.ctx == nil {
		x.ctx, x.cancel = context.WithCancel(context.Background())
		if Status(c.status) == Closed {
			x.cancel()
		}
	}
	return x.ctx
}

func (c *Connection) more() *extra {
	if c.extra == nil {
		c.extra = &extra{}
	}
	return c.extra
}

// Post runs fn on the loop in the next turn; it is dropped when c is closed by
// then. It may be called by any goroutine and never blocks.
func (c *Connection) Post(fn func(c *Connection)) {
	c.p.loop.Post(func() {
		if Status(c.status) != Closed {
			fn(c)
		}
	})
}

// SetProtocol changes the protocol of this connection, for the very next
// message in the buffer and for all that is sent from now on; nil is raw. What
// the old one remembered is forgotten, and what it held back is lost; when
// nothing else waits OnBufferDrain is called. A request that has no answer yet
// gets none: its session is stored, and its uploads are deleted, when its
// callback has returned. Where a Handler serves it does nothing. On a dialled
// connection a protocol that speaks first, as ws does, has to be set in
// OnConnect at the latest. Called on the loop goroutine.
func (c *Connection) SetProtocol(p protocol.Protocol) {
	c.p.own("Connection.SetProtocol")
	if c.handles() {
		return
	}
	c.leaveProtocol()
	c.codec = c.p.codecOf(p, protocolName("tcp", p))
	lost := c.flags&(holding|datagram) == holding // what the old one kept is gone
	if lost {
		c.flags &^= holding
		c.account()
	}
	c.dropBegun()
	c.flags &^= owing // the new one does not know of it
	c.resetState()
	if Status(c.status) == Established && c.codec.hand != nil && !c.Dialled() {
		c.expect(c.Worker.handshakeTimeout(), c.lateAccepted)
	}
	if c.in != nil && !c.held() {
		c.flags |= resumed
		c.queue()
	}
	if lost && c.counted == 0 && Status(c.status) != Closed {
		c.drained()
	}
}

// Protocol returns what cuts the bytes of this connection into messages; nil is
// raw. Called on the loop goroutine.
func (c *Connection) Protocol() protocol.Protocol { return c.codec.proto }

// Dialled says that this side opened the connection.
func (c *Connection) Dialled() bool { return c.Worker == nil }

// MaxPackage returns MaxPackageSize. For protocols.
func (c *Connection) MaxPackage() int { return c.MaxPackageSize }

// State returns what the protocol remembers of this connection. For protocols;
// the author's place is Data.
func (c *Connection) State() any { return c.state }

// SetState keeps v until the protocol is switched. For protocols.
func (c *Connection) SetState(v any) {
	c.state = v
	if c.flags&holding != 0 && c.heldBack() == 0 { // it is about to be sent
		c.flags = c.flags&^holding | opening
		c.account()
	}
}

// Data returns c.Data as *T and makes one on first use, so that
// Data[client](c).uid = 7 is all it takes. It panics when c.Data is something
// else. Called on the loop goroutine.
func Data[T any](c *Connection) *T {
	if c.Data == nil {
		c.Data = new(T)
	}
	d, ok := c.Data.(*T)
	if !ok {
		panic(fmt.Sprintf("worker: Data: the connection has a %T, not a %T", c.Data, d))
	}
	return d
}
