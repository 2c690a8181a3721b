package child

import (
	"errors"
	"fmt"
	"os"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/worker"
)

// Together are the Workers of all apps in one process, without a master's
// processes: for debuggers.
type Together struct {
	// Declared is what the apps declare, as a probe would tell it.
	Declared []*ipc.Specs

	workers []*worker.Worker
	args    []string
}

// Gather runs the Start of each chosen app in this process. root is the folder
// that the source folders of apps are relative to, args is what follows -- on the
// command line. A Start that panics ends the process. Called once in a process, on
// the goroutine that is to call Serve.
func Gather(apps []worker.App, only []string, root string, args []string) (*Together, error) {
	takeArguments(args)
	chosen, err := chooseWithMain(rooted(apps, root), only)
	if err != nil {
		return nil, err
	}
	t := &Together{args: args}
	if set := mainSettings(); set != nil {
		t.Declared = append(t.Declared, set)
	}
	for _, app := range chosen {
		workers, specs := declarationsOf(app, worker.DeclareBeside)
		t.workers = append(t.workers, workers...)
		t.Declared = append(t.Declared, specs)
	}
	if err := conflicts(); err != nil {
		return nil, err
	}
	if len(t.workers) == 0 {
		return nil, errors.New("no app declares a Worker")
	}
	return t, nil
}

// Serve runs all Workers on one loop, on the goroutine of the caller, and returns
// the exit status that a worker process would have. told.Spec stands for all of
// them: its Files say that the certificates come over link first. listeners are
// their descriptors, -1 for none, in the order of Declared; they are taken over,
// and so is link. When the loop goroutine cannot return, because a callback has
// called runtime.Goexit, end is called instead with that status; it must end the
// process.
func (t *Together) Serve(link *ipc.Conn, told *ipc.WorkerHandover, listeners []int,
	end func(code int)) int {
	p := newProcess(link, told, t.args)
	p.end, p.keys, p.over = end, t.keys(), make(chan struct{})
	code := t.serve(p, listeners)
	close(p.over) // not when a callback ends this goroutine: then the link is needed
	link.Close()
	return code
}

// serve is the life of the process.
func (t *Together) serve(p *process, listeners []int) int {
	if err := p.openLoop(); err != nil {
		closeAll(listeners)
		return p.fail(ipc.ExitFailed, err.Error())
	}
	served := worker.NewProcess(p.loop, t.workers[0], p.env())
	for i, w := range t.workers[1:] {
		served.Join(w, listeners[i+1])
	}
	p.told.Listener = listeners[0]
	p.served.Store(served)
	go p.watch(nil) // ends with p.over; who told the process takes the signals
	code := p.run()
	served.Destroy()
	served.Close()
	if err := p.loop.Close(); err != nil {
		fmt.Fprintf(os.Stderr, "event loop: %v\n", err)
	}
	return code
}

// keys of all Workers, in order.
func (t *Together) keys() []string {
	var keys []string
	for _, app := range t.Declared {
		for _, spec := range app.Specs {
			keys = append(keys, spec.Key)
		}
	}
	return keys
}
