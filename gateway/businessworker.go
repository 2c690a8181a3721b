package gateway

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/workerman-go/wm/worker"
)

// Defaults of a BusinessWorker.
const (
	defaultToGateway  = 10_240_000
	defaultQueueBytes = 1 << 20
	defaultReadyWait  = 5 * time.Second
)

// maxBusinessName leaves room in maxWorkerKey for the slot and the generation.
const maxBusinessName = 200

// BusinessWorker is a Worker without an address that runs the author's code for
// the clients of all Gateways (features.md group 39). Each of its processes has a
// link to every Gateway process that a Register names, and gets the events of the
// clients that a Gateway has bound to it, those of one client in order. All fields
// are set in Start and only read once it serves; Name is part of the key by which
// Gateways know a process, and must be one of its kind on a host.
//
// OnWorkerStart and OnWorkerStop are free: OnWorkerStop is called when the last
// event was handled, and may still send. A reload loses no event: the new process
// is linked before the old one leaves, the old one finishes what it has got, and
// the clients go on with another process. They notice nothing. All of this has to
// fit into Life.StopTimeout: what is not handled after four fifths of it is dropped,
// which is logged. A PHP Gateway drops what its own memory still holds for the old
// process, and a client that sends without waiting for answers may then have a late
// message handled beside the next one. What a process was about to do when it is
// killed is lost.
//
// The callbacks below hide those of the Worker, which are for connections and
// must stay nil. A panic in one is logged with the client id, counted in
// throw_exception, and what it changed in the Session is not stored; the process
// lives on.
type BusinessWorker struct {
	*worker.Worker

	// RegisterAddress are the addresses, host:port, of the Registers. One is
	// enough to find all Gateways; more are for the case that one is gone.
	// NewBusinessWorker sets 127.0.0.1:1236.
	RegisterAddress []string
	// SecretKey is what Registers and Gateways want to hear; all of a cluster have
	// the same. Empty: none.
	SecretKey string
	// Concurrency is how many events a process handles at once. 1, the default,
	// is one after another on the loop goroutine, for all clients, as in PHP:
	// the callbacks need no locks, and must not block. Above 1 they run on
	// goroutines and may block; the events of one client still come one after
	// another, in order, and its Session is consistent between them. It counts
	// against the 1,024 of worker.Go. What waits here has to be handled before a
	// process can leave, so slow callbacks want many at once.
	Concurrency int
	// QueueBytes is how much may wait for its turn in a process with a
	// Concurrency above 1: packets, and 256 bytes for each. Above it the links
	// are not read, and wait at the Gateways. NewBusinessWorker sets 1 MiB, and
	// so does 0.
	QueueBytes int
	// SendToGatewayBuffer is how many bytes may wait for one Gateway. Above it
	// sends to its clients fail with worker.ErrBufferFull.
	// NewBusinessWorker sets 10,240,000, and so does 0.
	SendToGatewayBuffer int
	// ReadyWait is how long a new process waits for its links before it counts
	// as ready: until then a reload keeps the old one. What is missing then is
	// logged, and linked when it comes. NewBusinessWorker sets 5 s; 0 does not
	// wait.
	ReadyWait time.Duration

	// OnConnect is called when a client has connected, for a websocket before its
	// handshake: what is sent waits for that (trap T98). Runs in the worker
	// process, on the loop goroutine, or on one of its own with a Concurrency
	// above 1.
	OnConnect func(e *Event)
	// OnWebSocketConnect is called with the upgrade request of a websocket
	// client, before the answer to it. Runs where OnConnect does.
	OnWebSocketConnect func(e *Event, h Handshake)
	// OnMessage is called for each message of a client. message is the author's:
	// it may be kept and changed. Runs where OnConnect does.
	OnMessage func(e *Event, message []byte)
	// OnValue is called for a message that the protocol of the Gateway has decoded
	// to something else than bytes; a PHP Gateway can send arrays. Without
	// OnMessage it gets the others too, as []byte. Runs where OnConnect does.
	OnValue func(e *Event, v any)
	// OnClose is called when a client is gone. Its Session can be read, but what
	// is changed in it is not stored (trap T94), and sending to it is useless.
	// Runs where OnConnect does.
	OnClose func(e *Event)

	run *business // nil until it serves
}

// NewBusinessWorker declares a BusinessWorker with the name BusinessWorker and the
// defaults above. Like worker.New it never fails: start and check say what is
// wrong. It is for Start.
func NewBusinessWorker() *BusinessWorker {
	b := &BusinessWorker{
		Worker:              worker.New(""),
		RegisterAddress:     []string{defaultRegister},
		Concurrency:         1,
		QueueBytes:          defaultQueueBytes,
		SendToGatewayBuffer: defaultToGateway,
		ReadyWait:           defaultReadyWait,
	}
	b.Worker.Name = "BusinessWorker"
	b.Worker.Life.StopFirst = false // two processes of one slot have two keys
	b.Worker.Require(b.check)
	b.Worker.Extend(b.prepare)
	return b
}

// check is what start and check refuse, in the probe and again in each process.
func (b *BusinessWorker) check() error {
	if name := b.taken(); name != "" {
		return fmt.Errorf("Worker.%s is set, but a BusinessWorker has no connections: "+
			"want BusinessWorker.%s", name, name)
	}
	if err := checkRegisters(b.RegisterAddress); err != nil {
		return err
	}
	if !utf8.ValidString(b.Name) || !utf8.ValidString(b.SecretKey) {
		return errors.New("Name and SecretKey have to be UTF-8: they travel as JSON")
	}
	if len(b.Name) > maxBusinessName || strings.ContainsFunc(b.Name, unicode.IsControl) {
		return fmt.Errorf("Name is %.60q, want at most %d bytes and no control characters: "+
			"Gateways know the processes by it", b.Name, maxBusinessName)
	}
	none := b.OnMessage == nil && b.OnValue == nil && b.OnConnect == nil &&
		b.OnWebSocketConnect == nil && b.OnClose == nil
	if none && b.OnWorkerStart == nil { // which may set them
		return errors.New("OnMessage is not set, and no other callback: " +
			"the messages of clients would go nowhere")
	}
	return nil
}

// taken names a callback of the Worker that would never be called.
func (b *BusinessWorker) taken() string {
	w := b.Worker
	switch {
	case w.OnConnect != nil:
		return "OnConnect"
	case w.OnMessage != nil:
		return "OnMessage"
	case w.OnValue != nil:
		return "OnValue"
	case w.OnClose != nil:
		return "OnClose"
	case w.OnWebSocketConnect != nil:
		return "OnWebSocketConnect"
	}
	return ""
}

// prepare makes this process one of the BusinessWorker.
func (b *BusinessWorker) prepare(w *worker.Worker) {
	p := newBusiness(b)
	b.run = p
	start := w.OnWorkerStart
	w.OnWorkerStart = func(w *worker.Worker) error {
		if start != nil {
			if err := start(w); err != nil {
				return err
			}
		}
		stop := w.OnWorkerStop // also one that OnWorkerStart has set
		w.OnWorkerStop = func(w *worker.Worker) {
			p.leave(func() {
				if stop != nil {
					stop(w)
				}
			})
		}
		p.begin()
		return nil
	}
}

// key is how Gateways know this process. A process of a later reload has one of
// its own, so that it does not put out the one that it replaces.
func (b *BusinessWorker) key() string {
	key := fmt.Sprintf("%s:%d", b.Name, b.ID)
	if g := worker.Generation(); g > 1 {
		key += fmt.Sprintf(".%d", g)
	}
	return key
}

// stopTimeout is what this process has to leave.
func (b *BusinessWorker) stopTimeout() time.Duration {
	for _, d := range []time.Duration{b.Life.StopTimeout, worker.Settings.StopTimeout} {
		if d > 0 {
			return d
		}
	}
	return 10 * time.Second
}
