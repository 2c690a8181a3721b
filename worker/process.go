package worker

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/tlsengine"
)

// exitFailed is the status of a process whose OnWorkerStart failed.
const exitFailed = 250

// Env is what the harness gives a process. Its functions are called on the
// loop goroutine unless they say otherwise and must not be nil, except where
// they say so.
type Env struct {
	Slot, Generation int
	// Debug switches on the checks of ownership and of kept message bytes.
	Debug bool
	// Seated is false while another process holds the slot: the timers of
	// OnWorkerStart wait for Process.Seated.
	Seated bool
	// Args is what follows -- on the command line.
	Args []string

	// Log takes a text of one or more lines for wm.log, which gets the time,
	// the pid and the slot from the harness. It is called by any goroutine
	// and never blocks. nil writes to standard error.
	Log func(text string)
	// Open asks the master for the listener of Worker.Listen, address being
	// tcp://host:port, udp://host:port or unix:///path; it may block for
	// 5 s.
	Open func(address string, reusePort bool) (fd int, err error)
	// Paused tells that this process stopped accepting without leaving.
	Paused func()
	// Ready tells that the process can serve.
	Ready func()
	// Exit ends the process soon: OnWorkerStart failed, or StopAll has
	// drained it. It is called once, and Gone not after it.
	Exit func(code int, why string)
	// TurnOver tells that the connections which a drain closes one after another
	// are closed, see Process.Pace: another process may begin. It is called once,
	// and not where Pace has returned 0. May be nil.
	TurnOver func()
	// Gone tells that a drain is done: no connection and no worker.Go work
	// is left.
	Gone func()
}

// Process is one worker process on its loop: of one Worker, or of several in a
// test kit, see Join. For the harness only. Its methods are called on the loop
// goroutine; Figures is for any.
type Process struct {
	loop  *eventloop.Loop
	w     *Worker
	env   Env
	began time.Time

	workers    []*Worker   // w, and those of Join and Worker.Listen
	joined     []joined    // of Join
	dialled    connections // of Dial
	codecs     []*codec
	lastID     uint64
	enrolled   uint64 // of those that were ever in dialled
	output     output
	rests      rests
	delivering *Connection // whose owed message is in its callback now
	life       life
	drain      drain
	ctx        context.Context
	cancel     context.CancelFunc

	strict     bool // check that callers are on the loop
	tokens     *tlsengine.Tokens
	ciphertext []byte // what was read last of a connection with TLS
	garbage    garbage
	counters   counters
	published  published
	jobs       jobs
	handled    handled
	sessions   sessionFailures
}

// life is how far a process has come.
type life struct {
	serving bool // OnWorkerStart returned nil
	holds   int  // HoldReady not yet released
	ready   bool
	left    bool // Leave
	stopped bool // OnWorkerStop ran
}

// current is the process that this OS process is; nil in the master, the
// probe, and before NewProcess.
var current atomic.Pointer[Process]

// NewProcess makes this OS process the one that serves w on loop. There is one
// at a time; the last one made is what Self, Loop and Post mean. Called before
// the loop runs or on it.
func NewProcess(loop *eventloop.Loop, w *Worker, env Env) *Process {
	p := &Process{loop: loop, w: w, env: env, strict: env.Debug || raceEnabled,
		began: loop.Now(), tokens: tlsengine.NewTokens(max(1, runtime.GOMAXPROCS(0)-1))}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.adopt(w)
	loop.SetGuard(p.guard)
	loop.SetTurnHook(p.endTurn)
	if env.Debug {
		loop.CheckOwner(true)
	}
	timer.Bind(loop, p.logf)
	current.Store(p)
	return p
}

// Destroy closes everything this process has open, at once and with OnClose,
// and lets nobody reconnect. It is for harnesses that outlive it, on the loop and
// before Close; a real process just exits.
func (p *Process) Destroy() {
	p.Leave()
	p.drain.on = true
	p.endHandling()
	p.destroyAll()
	p.endAccess()
	for _, w := range p.workers {
		if w.former != nil {
			w.former.close()
			w.former = nil
		}
	}
}

func (p *Process) destroyAll() {
	for _, w := range p.workers {
		for c := range w.conns.each {
			c.destroy()
		}
	}
	for c := range p.dialled.each {
		c.destroy()
	}
}

// Close makes Self, Loop and Post forget this process. It is for harnesses that
// outlive it, after the loop has ended; a real process just exits.
func (p *Process) Close() {
	if current.CompareAndSwap(p, nil) {
		timer.Bind(nil, nil)
	}
	p.cancel()
}

// adopt makes w a Worker of this process.
func (p *Process) adopt(w *Worker) {
	w.p, w.ID = p, p.env.Slot
	p.workers = append(p.workers, w)
}

// Serve takes over the listener (-1: none), runs OnWorkerStart and reports
// ready when nothing holds it any more; accepting begins then. A failed
// OnWorkerStart ends with Env.Exit.
func (p *Process) Serve(listener int) {
	if err := p.attachAll(listener); err != nil {
		p.env.Exit(exitFailed, err.Error())
		return
	}
	p.loop.BeginStart(!p.env.Seated)
	timer.Arm()
	err := p.startAll()
	p.loop.EndStart()
	if err != nil {
		p.flushAll()
		p.env.Exit(exitFailed, fmt.Sprintf("OnWorkerStart: %v", err))
		return
	}
	p.life.serving = true
	p.checkReady()
}

// attach gives w its codec and its listener.
func (p *Process) attach(w *Worker, fd int) error {
	if w.address == "" {
		w.codec = p.codecOf(w.Protocol, protocolName("tcp", w.Protocol))
		return nil
	}
	a, err := parseAddress(w.address)
	if err != nil {
		return err
	}
	proto, err := w.speaks(a)
	if err != nil {
		return err
	}
	if err := w.trust(); err != nil {
		return err
	}
	if err := w.openAccess(); err != nil {
		return err
	}
	w.codec = p.codecOf(proto, protocolName(a.scheme, w.Protocol))
	w.network = networks[w.transport()]
	if w.network == overTLS {
		if err := w.loadCertificates(); err != nil {
			return err
		}
		w.tls = tlsengine.Prepare(w.certificates().config())
	}
	if fd >= 0 {
		w.listener = newListener(w, fd)
	}
	return nil
}

// checkReady reports ready once, and opens the door of the process.
func (p *Process) checkReady() {
	l := &p.life
	if l.ready || l.left || p.drain.exiting || !l.serving || l.holds > 0 {
		return
	}
	l.ready = true
	p.env.Ready()
	for w := range p.members {
		if w.listener != nil {
			w.listener.allow(notReady)
		}
	}
}

// Seated gives the process its slot: the timers of OnWorkerStart begin.
func (p *Process) Seated() { p.loop.ReleaseStartTimers() }

// Reload runs OnWorkerReload; the process stays.
func (p *Process) Reload() {
	for w := range p.members {
		p.onWorker(w, w.OnWorkerReload, "OnWorkerReload")
	}
}

// Kick tries one round of accept, because a sibling stopped accepting and may
// have taken the wake-up of a waiting connection with it.
func (p *Process) Kick() {
	for _, w := range p.workers {
		if w.listener != nil {
			w.listener.round()
		}
	}
}

// Flush offers everything sent so far to the kernel, for an end that does not
// wait for the turn.
func (p *Process) Flush() { p.flushAll() }

// endTurn is the hook of the loop, after all flushing.
func (p *Process) endTurn() {
	p.rests.endTurn()
	if n := p.output.pool.dropped; n > 0 {
		p.output.pool.dropped = 0
		p.litter(n)
	}
	p.publish()
	p.checkGone()
}

// HoldReady keeps the process from being ready until release is called. It is
// called in OnWorkerStart, for a process that first has to reach somebody.
// release may be called by any goroutine and more than once. Ready means that
// the master goes on with a start or a reload and that connections are
// accepted; Life.ReadyTimeout bounds the wait.
func (w *Worker) HoldReady() (release func()) {
	p := w.p
	if p == nil {
		return func() {}
	}
	p.own("Worker.HoldReady")
	p.life.holds++
	var once atomic.Bool
	return func() {
		if once.Swap(true) {
			return
		}
		p.loop.Post(func() {
			p.life.holds--
			p.checkReady()
		})
	}
}
