package worker

import "golang.org/x/sys/unix"

// lending are the listeners of other slots of a Worker with ReusePort, by
// slot. Their processes are missing or stuck, and this one serves their queues
// meanwhile. What stops the Worker's own listener stops them too.
type lending map[int]*listener

// has tells whether l is lent at the moment.
func (all lending) has(l *listener) bool {
	for _, lent := range all {
		if lent == l {
			return true
		}
	}
	return false
}

// lentToo repeats on the lent listeners what happens to the Worker's own.
func (l *listener) lentToo(do func(other *listener)) {
	if l.w.listener != l {
		return
	}
	for _, lent := range l.w.lent {
		do(lent)
	}
}

// Lend makes the process accept from the listener of another slot too, until
// Reclaim. It takes fd over. A process that is leaving does not. Called on the
// loop goroutine.
func (p *Process) Lend(slot, fd int) {
	w := p.w
	p.Reclaim(slot)
	if w.listener == nil || p.life.left {
		p.closeLent(fd)
		return
	}
	l := newListener(w, fd)
	l.reasons = w.listener.reasons
	if w.lent == nil {
		w.lent = lending{}
	}
	w.lent[slot] = l
	l.allow(0)
}

// Reclaim ends Lend: those who wait in the queue are accepted first, because
// the slot may be gone for good. Called on the loop goroutine.
func (p *Process) Reclaim(slot int) {
	if l := p.w.lent[slot]; l != nil {
		delete(p.w.lent, slot)
		l.giveBack()
	}
}

// returnLent gives everything back that was lent, for a process that leaves.
func (w *Worker) returnLent() {
	for slot, l := range w.lent {
		delete(w.lent, slot)
		l.giveBack()
	}
}

// giveBack takes in who waits and closes this process's descriptor.
func (l *listener) giveBack() {
	if l.unwatch() {
		l.takeIn()
	}
	l.w.p.closeLent(l.fd)
}

func (p *Process) closeLent(fd int) {
	if err := unix.Close(fd); err != nil {
		p.logf("close lent listener: %v", err)
	}
}
