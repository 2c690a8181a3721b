package worker

import "fmt"

// Extend has run called in each process of the Worker before OnWorkerStart, as
// part of getting ready: it is how other kinds of Worker are made (a gateway, a
// web server) that leave OnWorkerStart to the author (features.md 13.8). A
// panic in it ends the process with status 250. Called in Start; each call adds
// one, and they run in this order. run runs in the worker process, on the loop
// goroutine.
func (w *Worker) Extend(run func(w *Worker)) {
	w.extensions = append(w.extensions, run)
}

// Require has check called whenever the Worker is looked at before it serves, in
// the probe first: an error refuses the start or the reload, and reaches the
// terminal with the address and the line of New. It is for other kinds of Worker
// that do not go with every setting of an author. Called in Start; each call
// adds one. check must not block and changes nothing.
func (w *Worker) Require(check func() error) {
	w.requirements = append(w.requirements, check)
}

// meets asks every check of Require.
func (w *Worker) meets() error {
	for _, check := range w.requirements {
		err := check()
		if err != nil && w.address == "" {
			return err
		}
		if err != nil {
			return fmt.Errorf("%s: %w", w.address, err)
		}
	}
	return nil
}

// Workers returns the Workers that this process runs: its own first, then those
// that were opened by Worker.Listen. nil where there is no process. Called on
// the loop goroutine.
func Workers() []*Worker {
	p := current.Load()
	if p == nil {
		return nil
	}
	p.own("Workers")
	return p.Workers()
}
