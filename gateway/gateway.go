package gateway

import (
	"time"

	"github.com/workerman-go/wm/worker"
)

// Gateway is a Worker that holds clients and hands what they send to
// BusinessWorkers. Any protocol that delivers messages will do: websocket, text,
// frame, raw tcp, those of the app, and TLS below them. OnMessage is taken; OnConnect,
// OnClose, OnWebSocketConnect and the other callbacks of the Worker are the author's
// and run in the Gateway process (features.md groups 37 and 38). All fields are set
// in Start and only read once it serves.
type Gateway struct {
	*worker.Worker

	// RegisterAddress are the Registers that this Gateway makes itself known to,
	// host:port each. New sets 127.0.0.1:1236.
	RegisterAddress []string
	// SecretKey is what BusinessWorkers, Registers and clients of the API must
	// know, the same in the whole cluster. Empty: anybody who reaches the inner
	// port is trusted, so that a Gateway without it listens on loopback addresses
	// alone.
	SecretKey string
	// LanIP is the IPv4 address that BusinessWorkers reach this host by. It is a
	// part of every client id. New sets 127.0.0.1.
	LanIP string
	// StartPort is the inner port of slot 0; slot n listens on StartPort+n. The
	// ranges of the Gateways of one host must not overlap. New sets 2000.
	StartPort int
	// InnerListen is the IP address that the inner port is bound to. Empty: LanIP,
	// or 0.0.0.0 where that is a public address, which a host behind a translation
	// of addresses does not have itself (wire.md 2.1).
	InnerListen string

	// PingInterval is how often clients are looked at and sent PingData, in
	// wire.md 2.14's order; 0: never.
	PingInterval time.Duration
	// PingNotResponseLimit is after how many intervals without a message a client
	// is cut off; 0: never.
	PingNotResponseLimit int
	// PingData is the message of a heartbeat. Empty: none is sent.
	PingData string

	// Router chooses the BusinessWorker of a client among links, which are never
	// none and in the order in which they connected. It is asked when the first
	// event of c goes out, and again when its BusinessWorker has gone or leaves, so
	// that the events of a client keep their order whatever it answers. nil, or a
	// link that is not among links, is logged and leaves the choice to the default.
	// A nil Router is the default: the BusinessWorker with the fewest clients.
	// Random is another one. Runs in the Gateway process, on the loop goroutine;
	// must not block.
	Router func(links []*Link, c *worker.Connection) *Link
	// BusinessWait is how long clients wait without any BusinessWorker: what they
	// send is held, and after this time, from the first event that waits, a client
	// is closed, a websocket with 1013. It is also how long a new Gateway
	// waits for its first BusinessWorker before it accepts clients. New sets 10 s;
	// 0: not at all.
	BusinessWait time.Duration
	// HoldPerClient is how many bytes of events are held for one client before
	// nothing more is read of it. New sets 64 KiB; 0 is that too.
	HoldPerClient int
	// HoldBytes is how many bytes are held for all clients of a process before
	// nothing is read of any of them and nobody is accepted, until half of it is
	// free. New sets 64 MiB; 0 is that too.
	HoldBytes int

	// SendToClientBuffer is the backlog of a client, in bytes, at which messages to
	// it are dropped. New sets 1,024,000.
	SendToClientBuffer int
	// SendToWorkerBuffer is the backlog of a BusinessWorker, in bytes, at which the
	// events of its clients are held, within the bounds above, until it has taken
	// all of it. New sets 10,240,000.
	SendToWorkerBuffer int
	// AuthTimeout is how long a peer of the inner port may take to prove that it
	// knows SecretKey. New sets 10 s; 0 is that too.
	AuthTimeout time.Duration

	// OnBusinessWorkerConnected is called when a BusinessWorker has connected, and
	// OnBusinessWorkerClose when it has gone, or was replaced by one of the same
	// name. They run in the Gateway process, on the loop goroutine; must not block.
	OnBusinessWorkerConnected func(l *Link)
	OnBusinessWorkerClose     func(l *Link)

	address string // as given to New
}

const (
	defaultRegister      = "127.0.0.1:1236"
	loopback             = "127.0.0.1"
	defaultStartPort     = 2000
	defaultBusinessWait  = 10 * time.Second
	defaultHoldPerClient = 64 << 10
	defaultHoldBytes     = 64 << 20
	defaultClientBuffer  = 1024000
	defaultWorkerBuffer  = 10240000
)

// New declares a Gateway: worker.New with the name Gateway and the defaults above.
// It is not Reloadable, because its clients would be lost, and its processes end
// before others take their places, because of the inner ports. Like worker.New it
// never fails: start and check say what is wrong.
func New(address string) *Gateway {
	g := &Gateway{
		Worker:             worker.New(address),
		RegisterAddress:    []string{defaultRegister},
		LanIP:              loopback,
		StartPort:          defaultStartPort,
		BusinessWait:       defaultBusinessWait,
		HoldPerClient:      defaultHoldPerClient,
		HoldBytes:          defaultHoldBytes,
		SendToClientBuffer: defaultClientBuffer,
		SendToWorkerBuffer: defaultWorkerBuffer,
		AuthTimeout:        defaultAuthTimeout,
		address:            address,
	}
	g.Name = "Gateway"
	g.Reloadable = false
	g.Life.StopFirst = true
	g.Require(g.check)
	g.Extend(g.serve)
	remember(g)
	return g
}

// ClientID returns the client id of a client connection of a Gateway, as its
// BusinessWorkers know it; empty for other connections. Called on the loop goroutine,
// from OnConnect on.
func ClientID(c *worker.Connection) string {
	if n := resident(); n != nil {
		for _, p := range n.gateways {
			if cl := p.of[c]; cl != nil {
				return p.clientID(cl).String()
			}
		}
	}
	return ""
}
