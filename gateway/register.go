package gateway

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/worker"
)

// Register is a Worker that tells BusinessWorkers and clients of the API where the
// Gateways are (features.md group 41, wire.md section 1). When it is gone, pushes go
// on: only who comes new has to wait for it. Several Registers for one cluster know
// nothing of each other; every Gateway tells all of them.
//
// It serves lines of JSON, and the protocol is not to choose. Of the callbacks
// OnWorkerStart, OnWorkerStop, OnConnect and OnClose are free; the latter two are
// set in Start. All fields are set in Start and only read once it serves.
type Register struct {
	*worker.Worker

	// SecretKey is what everybody has to know: the same for all Registers,
	// Gateways, BusinessWorkers and clients of a cluster. It may be empty only
	// where no other host reaches the address. UTF-8; PHP's GatewayWorker cannot
	// have quotes or backslashes in it.
	SecretKey string
	// AuthTimeout is how long a connection may take to say who it is, with the
	// SecretKey. Pings do not count. NewRegister sets 10 s.
	AuthTimeout time.Duration
	// MaxLine is the longest line, in bytes, that a connection may send; a longer
	// one closes it. NewRegister sets 4096: what comes is an address and a secret.
	MaxLine int

	address  string
	registry *registry // nil until it serves
}

const (
	defaultAuthTimeout = 10 * time.Second
	defaultMaxLine     = 4096
	minMaxLine         = 512
)

// NewRegister declares a Register: worker.New with protocol text, whatever the
// scheme of the address, one process that a reload leaves alone, the name Register
// and the defaults above. The usual port is 1236. Like worker.New it never fails:
// start and check say what is wrong, most of all an address that other hosts reach
// without a SecretKey.
func NewRegister(address string) *Register {
	r := &Register{
		Worker:      worker.New(address),
		AuthTimeout: defaultAuthTimeout,
		MaxLine:     defaultMaxLine,
		address:     address,
	}
	r.Worker.Name = "Register"
	r.Worker.Protocol = text.Protocol
	r.Worker.Reloadable = false
	r.Worker.ReusePort = false
	r.Worker.Life.StopFirst = true
	r.Worker.Life.StopLast = true
	r.Worker.Require(r.check)
	r.Worker.Extend(r.prepare)
	return r
}

// check is what start and check refuse, in the probe and again in the process.
func (r *Register) check() error {
	if err := r.taken(); err != nil {
		return err
	}
	switch {
	case r.Protocol != text.Protocol:
		return errors.New("Protocol is set, but a Register speaks lines of text")
	case r.Transport != "tcp":
		return fmt.Errorf("Transport is %s, but a Register is reached by tcp", r.Transport)
	case r.Count > 1:
		return fmt.Errorf("Count is %d, but only one process can know all Gateways", r.Count)
	case r.Reloadable:
		return errors.New("Reloadable is set, but a reload would have every Gateway and " +
			"BusinessWorker connect again")
	case r.AuthTimeout <= 0:
		return errors.New("AuthTimeout is not above 0")
	case r.MaxLine < minMaxLine:
		return fmt.Errorf("MaxLine is %d bytes, and an address with a secret may need %d",
			r.MaxLine, minMaxLine)
	}
	_, at, _ := strings.Cut(r.address, "://")
	host, _, err := net.SplitHostPort(at)
	if err != nil {
		return nil // start says what is wrong with that address
	}
	return requireSecret(host, r.SecretKey)
}

// taken refuses the callbacks that a Register has itself.
func (r *Register) taken() error {
	name := ""
	switch {
	case r.OnMessage != nil && r.registry == nil:
		name = "OnMessage"
	case r.OnValue != nil:
		name = "OnValue"
	case r.OnRequest != nil:
		name = "OnRequest"
	case r.Handler != nil:
		name = "Handler"
	default:
		return nil
	}
	return fmt.Errorf("%s is set, but a Register answers its lines itself", name)
}

// prepare takes the callbacks, in the process, before OnWorkerStart.
func (r *Register) prepare(w *worker.Worker) {
	g := &registry{r: r, peers: make(map[*worker.Connection]*registrant)}
	r.registry = g
	w.OnMessage = g.line
	w.OnConnect = both(g.connect, w.OnConnect)
	w.OnClose = both(g.close, w.OnClose)
}

// both calls what is the framework's and then what is the author's.
func both(ours, authors func(*worker.Connection)) func(*worker.Connection) {
	if authors == nil {
		return ours
	}
	return func(c *worker.Connection) {
		ours(c)
		authors(c)
	}
}
