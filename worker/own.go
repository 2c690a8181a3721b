package worker

// own panics when the caller is not on the loop goroutine. It looks in debug
// mode and under -race only: finding out costs microseconds.
func (p *Process) own(call string) {
	if p.strict {
		p.mustOwn(call)
	}
}

func (p *Process) mustOwn(call string) {
	if !p.loop.Owned() {
		panic("worker: " + call + " was called outside the loop goroutine: " +
			"use c.Post, worker.Post or worker.Go")
	}
}
