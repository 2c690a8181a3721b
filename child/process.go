package child

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/worker"
)

// defaultMaxProcs is GOMAXPROCS where the Spec has none. Never 1: the harness
// goroutine would wait for the loop's.
const defaultMaxProcs = 2

// goexitPause is time enough for the runtime to report a panic.
const goexitPause = 200 * time.Millisecond

// process is the harness of a worker process. Each field says whose it is.
type process struct {
	told  *ipc.WorkerHandover // read only
	args  []string            // read only
	begun time.Time           // read only
	link  *ipc.Conn           // received from by readLink alone
	out   *sender             // any goroutine
	loop  *eventloop.Loop     // the loop's; Post by any goroutine
	open  opener              // any goroutine

	// served is nil until Start has returned. Its methods are the loop's,
	// but for Figures.
	served   atomic.Pointer[worker.Process]
	code     int // the loop's: exit status once it has stopped
	left     bool
	supplied bool // the loop's: has its certificates

	// keys are those of the Workers of a process that serves several, in order;
	// read only, nil in a service.
	keys []string
	// over is closed when a program goes on that has served; nil in a service.
	over chan struct{}
	// end is what ends the process before main can return; exit in a service.
	end func(code int)

	leaving leaving      // the harness goroutine's
	pacing  atomic.Int64 // nanoseconds that the drain is to take anyway
	inLine  atomic.Bool  // the drain waits for its turn
	bye     sync.Once    // the end comes from main or from the harness goroutine
}

// serve is the life of a worker process: Start, the loop, and the end. The
// harness goroutine works from the first moment on, because a Start may block.
func serve(link *ipc.Conn, h *ipc.Handover, apps []worker.App) int {
	p := newProcess(link, h.Worker, h.Args)
	runtime.GOMAXPROCS(p.maxProcs())
	if err := p.openLoop(); err != nil {
		return p.fail(ipc.ExitFailed, err.Error())
	}
	go p.watch(catchSignals(h.Worker.Debug)) // ends with the process
	w, err := find(h.Worker.Spec, apps)
	if err != nil {
		return p.fail(ipc.ExitMismatch, err.Error())
	}
	p.served.Store(worker.NewProcess(p.loop, w, p.env()))
	return p.run()
}

func newProcess(link *ipc.Conn, told *ipc.WorkerHandover, args []string) *process {
	p := &process{told: told, args: args, begun: time.Now(), link: link, end: exit}
	p.out = newSender(link)
	p.out.send(&ipc.Hello{PID: os.Getpid(), Version: worker.Version})
	return p
}

// openLoop makes the loop, and lets it begin with the Workers unless they wait for
// their certificates.
func (p *process) openLoop() (err error) {
	if p.loop, err = eventloop.New(); err != nil {
		return fmt.Errorf("event loop: %w", err)
	}
	if len(p.told.Spec.Files) == 0 {
		// Posted first: whatever the master says meanwhile comes after it.
		p.loop.Post(p.begin)
	}
	return nil
}

// run is the loop up to its end; it returns the exit status.
func (p *process) run() int {
	returned := false
	defer func() {
		if !returned {
			go p.endWithoutLoop() // ends the process
		}
	}()
	err := p.loop.Run()
	returned = true
	if err != nil {
		return p.fail(ipc.ExitFailed, "event loop: "+err.Error())
	}
	p.sayGoodbye(p.code)
	return p.code
}

// endWithoutLoop ends a process whose loop goroutine is gone: a callback has
// called runtime.Goexit. A panic comes this way too, and ends the process by
// itself before the pause is over.
func (p *process) endWithoutLoop() {
	time.Sleep(goexitPause)
	p.end(p.fail(ipc.ExitFailed, "a callback ended the loop goroutine (runtime.Goexit)"))
}

func (p *process) maxProcs() int {
	if n := p.told.Spec.MaxProcs; n > 0 {
		return n
	}
	return defaultMaxProcs
}

// env is what the Worker's side may ask of this one.
func (p *process) env() worker.Env {
	return worker.Env{
		Slot:       p.told.Slot,
		Generation: p.told.Generation,
		Debug:      p.told.Debug,
		Seated:     p.told.Seated,
		Args:       p.args,
		Log:        p.out.log,
		Open:       p.openListener,
		Paused:     func() { p.out.send(&ipc.Paused{}) },
		Ready:      func() { p.out.send(&ipc.Ready{}) },
		Exit:       p.exitWith,
		TurnOver:   func() { p.out.send(&ipc.TurnOver{}) },
		Gone:       func() { p.loop.Stop() },
	}
}

// onFiles gives the process its certificates. With the first ones, which the
// master sends before anything else, it begins. Runs on the loop.
func (p *process) onFiles(files map[string][]byte) {
	if err := p.served.Load().Files(files); err != nil {
		p.exitWith(ipc.ExitFailed, err.Error())
		return
	}
	if !p.supplied {
		p.supplied = true
		p.begin()
	}
}

// begin is the first thing on the loop, but for a signal that comes before the
// certificates do.
func (p *process) begin() {
	if p.left {
		return
	}
	listener := -1
	if p.told.Spec.Network != "" || p.keys != nil {
		listener = p.told.Listener
	}
	p.served.Load().Serve(listener)
}

// exitWith ends the loop after this turn, for StopAll and a failed start. Runs
// on the loop.
func (p *process) exitWith(code int, why string) {
	switch {
	case code != ipc.ExitDone:
		p.out.send(&ipc.Failed{Code: code, Text: why})
	case why != "":
		p.out.log(why)
	}
	p.code = code
	p.loop.Stop()
}

// fail ends a process that never served.
func (p *process) fail(code int, why string) int {
	p.out.send(&ipc.Failed{Code: code, Text: why})
	p.sayGoodbye(code)
	return code
}

// sayGoodbye writes the last record after everything that was queued, as far
// as the master takes it in time. Called by the goroutine that ends the
// process next; another one waits here until it has.
func (p *process) sayGoodbye(code int) {
	p.bye.Do(func() {
		p.out.send(&ipc.Goodbye{Code: code})
		p.out.finish(goodbyeTimeout)
	})
}
