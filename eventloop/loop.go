package eventloop

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxTurnEvents = 128
	scratchBytes  = 64 << 10
)

// Loop is the event loop of a process. Owned by the goroutine in Run, no
// locking; before Run, by the goroutine that made it. Only Post, Busy and Owned
// may be called by any goroutine.
type Loop struct {
	// Descriptors, see source.go.
	driver    driver
	slots     []slot // by descriptor
	listeners int
	ready     [maxTurnEvents]unix.EpollEvent

	// The other things a turn looks at, in files of their names.
	timers   timerSet
	start    startGroup
	flushers []Flusher
	signals  map[os.Signal]*subscription
	mail     mailbox

	// Time, see clock.go.
	clock   clock
	now     time.Duration // the clock at the start of this turn
	wall    anchor
	advance *advance // of tests only, see advance.go

	// What any goroutine may ask.
	stamp atomic.Int64  // the clock at the start of this turn, 0 while waiting
	owner atomic.Uint64 // goroutine in Run, 0 outside

	// Set once by the owner of the process, and the state of Run.
	checked bool
	guard   func(fn func())
	hook    func()
	scratch []byte
	stopped bool
}

// New makes a loop on epoll. The caller runs it on one goroutine and closes it
// afterwards.
func New() (*Loop, error) {
	driver, err := newEpoll()
	if err != nil {
		return nil, err
	}
	return newLoop(driver)
}

// NewPoll makes a loop on poll(2), for systems where epoll is refused. It does
// the same but each wait costs time for every watched descriptor, and listeners
// shared by processes wake all of them.
func NewPoll() (*Loop, error) {
	return newLoop(&pollDriver{})
}

func newLoop(d driver) (*Loop, error) {
	l := &Loop{
		driver:  d,
		checked: raceEnabled,
		clock:   monotonic(),
		guard:   callPlainly,
		signals: make(map[os.Signal]*subscription),
		scratch: make([]byte, scratchBytes),
	}
	l.tick()
	if err := l.openMail(); err != nil {
		d.close()
		return nil, err
	}
	return l, nil
}

func callPlainly(fn func()) { fn() }

// Run makes turns on the calling goroutine until Stop, then returns nil. The
// last turn is finished first, its flushers included; functions still posted,
// timers and signal callbacks are dropped. An error means that waiting itself
// failed. A loop runs once.
func (l *Loop) Run() error {
	l.owner.Store(goroutineID())
	defer l.finish()
	l.beginTurn()
	l.endTurn()
	found := 0
	for !l.stopped {
		n, err := l.wait(found > 1)
		if err != nil {
			return fmt.Errorf("wait for events: %w", err)
		}
		l.turn(l.ready[:n])
		found = n
	}
	return nil
}

// Stop lets Run return at the end of this turn. Called on the loop goroutine;
// others say Post(l.Stop).
func (l *Loop) Stop() { l.stopped = true }

// Close gives the loop's own descriptors back. Called after Run returned, or
// instead of Run; the watched descriptors stay open.
func (l *Loop) Close() error {
	l.finish()
	mailErr := l.closeMail()
	if err := l.driver.close(); err != nil {
		return fmt.Errorf("close event loop: %w", err)
	}
	return mailErr
}

// finish is the end of every life of a loop, run or not.
func (l *Loop) finish() {
	for s := range l.signals {
		l.OffSignal(s)
	}
	l.timers.clear()
	l.dropMail()
	l.stamp.Store(0)
	l.owner.Store(0)
}

// wait fills ready. After a turn of several events more are likely to be there
// already: looking first saves telling the Go scheduler of a wait that does not
// happen. After a single event they are not, and the look would only cost.
func (l *Loop) wait(look bool) (int, error) {
	if look {
		if n, err := uninterrupted(l.driver.wait(l.ready[:], 0)); n > 0 || err != nil {
			return n, err
		}
	}
	timeout := l.timeout()
	// The order matters: a Post that still saw the old stamp wrote no wake-up,
	// so its function must be looked for after the stamp is gone.
	l.stamp.Store(0)
	if l.mail.waiting.Load() {
		timeout = 0
	}
	return uninterrupted(l.driver.wait(l.ready[:], timeout))
}

// uninterrupted makes a wait that a signal ended one that found nothing.
func uninterrupted(n int, err error) (int, error) {
	if err == unix.EINTR {
		return 0, nil
	}
	return n, err
}

func (l *Loop) turn(ready []unix.EpollEvent) {
	l.beginTurn()
	posts := l.takePosts()
	last := l.timers.seq
	l.dispatch(ready)
	l.runPosts(posts)
	l.runTimers(last)
	l.endTurn()
}

func (l *Loop) beginTurn() {
	l.tick()
	l.stamp.Store(int64(l.now))
}

// SetGuard sets what calls the callbacks of the loop: timers, posted functions,
// signals, OnReadable and OnWritable. The guard must call its argument once on
// the spot; it is the place to recover a panic. Sources and Flushers are not
// guarded. Called before Run; nil restores the plain call.
func (l *Loop) SetGuard(guard func(fn func())) {
	if guard == nil {
		guard = callPlainly
	}
	l.guard = guard
}

// Scratch is the one 64 KiB read buffer of the loop. Its bytes are valid until
// the next one reads into it, so never beyond the current callback.
func (l *Loop) Scratch() []byte { return l.scratch }
