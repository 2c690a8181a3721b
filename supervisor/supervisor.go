package supervisor

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// phase is what the master as a whole is doing.
type phase int

const (
	probingFirst phase = iota // no unit exists yet
	filling                   // the first processes are starting
	serving
	leaving // everything is told to go
	over
)

// Supervisor is the master. Everything in it belongs to the goroutine in run,
// but for what says otherwise.
type Supervisor struct {
	cfg   Config
	sys   system
	phase phase
	err   error // why the start failed

	log      *rundir.Log
	backlog  []string // log lines from before the log was open
	settings ipc.Settings
	started  time.Time
	pidFile  string

	alone *alone // nil but in a service that is one process

	gen         *generation // the one that new processes belong to
	lastNumber  int         // of the newest generation
	units       []*unit     // in order of declaration
	removed     []*unit     // by reloads; their exits are still shown
	listeners   map[string]*listener
	groups      map[string]*portGroup
	certs       map[string]*certificateFiles
	generations map[*generation]bool // those whose executable is open
	byLink      map[*link]*process
	byPID       map[int]*process
	probe       *probing
	watcher     watcher
	roll        *reload
	queued      *reload    // the one follow-up
	settling    []*reload  // live, their old processes leave
	diffs       []*diffing // in line
	stopWaiters []*request
	left        []*process // told to go by the stop
	graceful    bool       // the stop under way waits for connections
	upgrade     *upgrade   // the one under way
	upgrades    []*upgrade // that wait, in order of arrival
	control     *control
	reaper      *reaper
	lock        *rundir.Lock
	words       map[*lastWords]bool // whose pipe is open
	dropped     uint64              // log lines, by the images before this one

	history   *rundir.History // nil before the log is open
	startedBy rundir.Asker
	died      int  // pid of the master before, when that did not stop in order
	served    bool // the start succeeded
	stopBegan time.Time
	stopBy    []rundir.Asker

	ownFiles  ownFiles  // of the run directory
	refused   refusals  // on the control socket
	nextLook  time.Time // at limits of processes
	nextRead  time.Time // of certificate files
	certNotes []certificateNote
	collects  map[uint64]*collect
	lastID    uint64

	away          map[*errand]bool
	signalled     *signalled // waits until the binary of the one before is read
	opensBySignal bool       // that is being read

	opening sync.Mutex // guards opened, and the order in which binaries are opened
	opened  uint64

	signals  chan os.Signal
	exits    chan exit
	messages chan linkMessage
	requests chan *request
	errands  chan *errand  // that are back
	pokes    chan struct{} // something reconcile looks at has changed
	wake     *time.Timer
	gone     chan struct{} // closed when the loop has ended
}

func newSupervisor(cfg Config, sys system) *Supervisor {
	return &Supervisor{
		cfg:         cfg,
		sys:         sys,
		listeners:   map[string]*listener{},
		groups:      map[string]*portGroup{},
		certs:       map[string]*certificateFiles{},
		generations: map[*generation]bool{},
		byLink:      map[*link]*process{},
		byPID:       map[int]*process{},
		collects:    map[uint64]*collect{},
		words:       map[*lastWords]bool{},
		away:        map[*errand]bool{},
		signals:     make(chan os.Signal, 64),
		exits:       make(chan exit, 64),
		messages:    make(chan linkMessage, 256),
		requests:    make(chan *request),
		errands:     make(chan *errand),
		pokes:       make(chan struct{}, 1),
		wake:        time.NewTimer(time.Hour),
		gone:        make(chan struct{}),
	}
}

// Run is the life of a master. It takes the lock of the run directory, starts
// the service, and returns nil after an ordered stop or the reason why the
// start failed; nothing it made is left then. The process must have no other
// children. With cfg.Adopt this process is a master already, and Run takes it
// over.
func Run(cfg Config) error {
	if cfg.Adopt != nil {
		return adopt(cfg)
	}
	if err := cfg.Dir.Check(); err != nil {
		return err
	}
	lock, err := rundir.AcquireLock(cfg.Dir.Lock)
	if errors.Is(err, rundir.ErrLocked) {
		return ErrRunning
	}
	if err != nil {
		return err
	}
	defer lock.Release()
	if otherServes(cfg) {
		return ErrRunning
	}
	s := newSupervisor(cfg, realSystem())
	s.lock = lock
	stopSignals := s.catchSignals()
	defer stopSignals()
	if err := adoptOrphans(); err != nil {
		return fmt.Errorf("become subreaper: %w", err)
	}
	s.reaper = reap(s.exits, s.gone)
	if err := s.begin(); err != nil {
		close(s.gone)
		return err
	}
	return s.run()
}

// run is the master loop. Every case only notes what happened; reconcile then
// makes the processes match what is wanted.
func (s *Supervisor) run() error {
	defer close(s.gone)
	s.reconcile()
	for s.phase != over {
		select {
		case sig := <-s.signals:
			s.onSignal(sig)
		case x := <-s.exits:
			s.onExit(x)
		case m := <-s.messages:
			s.onMessage(m)
		case r := <-s.requests:
			s.onRequest(r)
		case e := <-s.errands:
			s.onErrand(e)
		case <-s.pokes:
		case <-s.wake.C:
		}
		s.reconcile()
	}
	return s.err
}

// reconcile brings the world to the wanted state, as far as it can without
// waiting, and sets the alarm for when it can go on.
func (s *Supervisor) reconcile() {
	now := s.sys.now()
	s.tendAlone()
	s.tendProbe(now)
	s.finishDead(now)
	s.tendLine(now)
	s.killLate(now)
	s.lookAfter(now)
	s.rollOn(now)
	s.tendDiffs(now)
	s.fillVacant(now)
	s.tendQueues(now)
	s.tendCertificates(now)
	s.tendOwnFiles(now)
	s.tendRefused(now)
	s.tendWatcher(now)
	s.sendKicks(now)
	s.noteStarted()
	s.tendCollects(now)
	s.tellLast()
	s.tendWords()
	s.tendUpgrade(now)
	s.finishStop()
	s.wake.Reset(s.untilNext(now))
}

// poke makes the loop reconcile; any goroutine may call it.
func (s *Supervisor) poke() {
	select {
	case s.pokes <- struct{}{}:
	default:
	}
}

// logf writes one line to wm.log, and to the terminal in debug mode.
func (s *Supervisor) logf(format string, a ...any) {
	line := fmt.Sprintf(format, a...)
	if s.log == nil {
		s.backlog = append(s.backlog, line)
		return
	}
	s.log.Write(os.Getpid(), line)
}

func (s *Supervisor) progress(p ipc.Progress) {
	if s.cfg.Progress != nil && s.phase <= filling {
		s.cfg.Progress(p)
	}
	if s.roll != nil {
		s.roll.tell(p)
	}
}

// tellStopped says that p is gone to those whose reload has drained it.
func (s *Supervisor) tellStopped(p *process) {
	step := s.stepOf("stopped", p, pidText(p))
	for _, r := range s.settling {
		if slices.Contains(r.leaves, p) {
			r.tell(step)
			return
		}
	}
	s.progress(step)
}

// slots lists every slot of every unit, in order of declaration.
func (s *Supervisor) slots() []*slot {
	var all []*slot
	for _, u := range s.units {
		all = append(all, u.slots...)
	}
	return all
}

// untilNext is how long nothing can happen without an event.
func (s *Supervisor) untilNext(now time.Time) time.Duration {
	next := now.Add(time.Hour)
	sooner := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	if p := s.probe; p != nil && p.ended == nil && !p.late {
		sooner(p.by)
	} else if p != nil && p.ended != nil {
		sooner(p.ended.at.Add(pipeTimeout))
	}
	sooner(s.watcher.next())
	for _, sl := range s.slots() {
		if sl.current == nil {
			sooner(sl.wait)
		}
	}
	for _, p := range s.byPID {
		sooner(p.next())
	}
	for _, u := range s.units {
		sooner(u.kickAt)
	}
	sooner(s.nextLook)
	for _, g := range s.groups {
		sooner(g.nextClose())
	}
	sooner(s.nextRead)
	sooner(s.ownFiles.next)
	sooner(s.refused.until)
	if s.roll.moving() {
		sooner(s.roll.steps[s.roll.at].retryAt)
	}
	for _, c := range s.collects {
		sooner(c.by)
	}
	for _, d := range s.diffs {
		sooner(d.by)
	}
	sooner(s.upgrade.next())
	return max(next.Sub(now), time.Millisecond)
}
