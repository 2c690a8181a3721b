package wmtest

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/worker"
)

const (
	// patience is how long a test waits for what should come at once.
	patience = 10 * time.Second
	// longPatience is for what may be work: OnWorkerStart, and hours of timers.
	longPatience = 30 * time.Second
)

// one is locked while a Service runs: Settings, worker.Self and the timers are
// those of a whole process.
var one sync.Mutex

// Service is an app that runs inside a test. Its methods are called on the
// goroutine of the test; whatever goes wrong in them ends it.
type Service struct {
	t        testing.TB
	patience time.Duration
	dir      string // of Unix sockets
	made     []*worker.Worker
	undo     func()
	loop     *eventloop.Loop
	p        *worker.Process
	lines    inbox // of the log

	ready, gone, ran chan struct{} // closed when it is so
	end              ending        // the loop's until gone is closed
	moving           sync.Mutex    // locked during Advance

	mu  sync.Mutex // guards the fields below
	mum bool       // the test is over: t must not be used
	bad int64      // panics that t knows of
}

// ending is how the process has ended by itself, by StopAll or a failed start.
type ending struct {
	gone bool
	code int
	why  string
}

// Run calls start, serves all the Workers it declares, and returns when each
// OnWorkerStart has returned. They run in one process on one event loop, each
// as slot 0 whatever its Count, in debug mode, and on free ports of the loopback
// interface: ask Addr for the real ones. A Worker that cannot be started, and
// an OnWorkerStart that fails, end the test.
//
// With the test the Workers end as in a stop: OnWorkerStop, then OnClose of each
// connection. Settings and registered protocols are as before. A test that
// leaves the loop blocked, or work of worker.Go unfinished, fails. Lines of the
// log become lines of the test; a panic in a callback fails it.
//
// There is one Service at a time in a test binary, so its tests must not be
// parallel.
func Run(t testing.TB, start func()) *Service {
	t.Helper()
	if !one.TryLock() {
		t.Fatalf("wmtest: another Service runs: end its test first, and no t.Parallel")
	}
	s := &Service{
		t: t, patience: patience,
		ready: make(chan struct{}), gone: make(chan struct{}), ran: make(chan struct{}),
	}
	t.Cleanup(s.close)
	s.declare(start)
	s.launch()
	select {
	case <-s.ready:
	case <-s.gone:
		t.Fatalf("wmtest: the start failed: %s", s.end.why)
	case <-s.ran:
		t.Fatalf("wmtest: OnWorkerStart has ended its goroutine")
	case <-time.After(longPatience):
		t.Fatalf("wmtest: not ready within %v: OnWorkerStart blocks, or nobody has called "+
			"what HoldReady returned", longPatience)
	}
	return s
}

// declare runs start as the app of the folder that the test stands in.
func (s *Service) declare(start func()) {
	s.t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		s.t.Fatalf("wmtest: %v", err)
	}
	app := worker.App{Name: filepath.Base(dir), Dir: dir, Start: start}
	s.made, s.undo = worker.Rehearse(app)
	mistakes := worker.Conflicts()
	for _, w := range s.made {
		if d := w.Declaration(); d.Err != "" {
			mistakes = append(mistakes, d.Source+": Worker "+d.Name+": "+d.Err)
		}
	}
	if len(s.made) == 0 {
		mistakes = append(mistakes, "start declares no Worker")
	}
	if len(mistakes) > 0 {
		s.t.Fatalf("wmtest: %s", strings.Join(mistakes, "\n"))
	}
}

// launch makes the process and runs its loop.
func (s *Service) launch() {
	s.t.Helper()
	fds, err := s.openAll()
	if err != nil {
		s.t.Fatalf("wmtest: %v", err)
	}
	if s.loop, err = eventloop.New(); err != nil {
		closeAll(fds)
		s.t.Fatalf("wmtest: %v", err)
	}
	s.loop.AllowAdvance()
	_, benchmark := s.t.(*testing.B) // whose figures are to be those of a service
	s.p = worker.NewProcess(s.loop, s.made[0], worker.Env{
		Debug: !benchmark, Seated: true, Log: s.log, Open: s.open,
		Paused: func() {},
		Ready:  func() { close(s.ready) },
		Exit:   s.exit,
		Gone:   func() { s.leave(ending{}) },
	})
	for i, w := range s.made[1:] {
		s.p.Join(w, fds[i+1])
	}
	go s.run() // ends with close
	s.loop.Post(func() { s.p.Serve(fds[0]) })
}

func (s *Service) run() {
	defer close(s.ran)
	if err := s.loop.Run(); err != nil {
		s.report("wmtest: event loop: %v", err)
	}
}

// exit is the end that the process made itself. Its sockets go, as the kernel
// would see to. Runs on the loop.
func (s *Service) exit(code int, why string) {
	s.log("the process has ended itself: " + why)
	s.leave(ending{code: code, why: why})
	s.loop.Post(s.p.Destroy)
}

func (s *Service) leave(e ending) {
	if !s.end.gone {
		s.end = e
		s.end.gone = true
		close(s.gone)
	}
}

// close ends everything that Run began, however far that was.
func (s *Service) close() {
	if s.loop != nil && !s.stop() {
		return // the loop is blocked: nothing of it may be touched
	}
	if s.undo != nil {
		s.undo()
	}
	if s.dir != "" {
		os.RemoveAll(s.dir)
	}
	s.mute()
	one.Unlock()
}

// stop stops the process and closes the loop; false when it cannot.
func (s *Service) stop() bool {
	destroyed := make(chan struct{})
	s.loop.Post(func() {
		defer close(destroyed)
		s.p.Drain(false)
		s.p.Destroy()
	})
	select {
	case <-destroyed:
		s.awaitWork()
		s.loop.Post(s.loop.Stop)
		<-s.ran
	case <-s.ran: // something has called runtime.Goexit, t.Fatal perhaps
		s.p.Destroy()
	case <-time.After(s.patience):
		s.report("wmtest: the loop is blocked:\n%s", stacks())
		s.mute()
		return false
	}
	s.p.Close()
	if err := s.loop.Close(); err != nil {
		s.report("wmtest: %v", err)
	}
	return true
}

// awaitWork waits for what worker.Go still does.
func (s *Service) awaitWork() {
	select {
	case <-s.gone:
	case <-time.After(s.patience):
		waiting := make(chan string, 1)
		s.loop.Post(func() { waiting <- s.p.Waiting() })
		s.report("wmtest: still running at the end of the test: %s", <-waiting)
	}
}

// stacks says what every goroutine does.
func stacks() []byte {
	buf := make([]byte, 1<<20)
	return buf[:runtime.Stack(buf, true)]
}
