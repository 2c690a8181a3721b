package worker

// Limits bounds what one process of a Worker takes on; 0 is no limit.
type Limits struct {
	// Connections is how many connections the Worker has at once in one
	// process. At the limit it stops accepting, so that new ones wait in the
	// listener's queue for another process, and goes on when one has closed.
	Connections int
}

// checkLimit closes or opens the door after a connection came or went.
func (w *Worker) checkLimit() {
	switch limit := w.Limits.Connections; {
	case w.listener == nil:
	case limit > 0 && w.conns.len() >= limit:
		w.listener.refuse(atLimit)
	default:
		w.listener.allow(atLimit)
	}
}
