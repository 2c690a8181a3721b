package worker

import "slices"

// Broadcast sends v to all connections of this Worker in this process but the
// given ones. It is encoded once for all receivers of one class of a
// protocol.Sharer, and of raw bytes. What a connection refuses is lost for that
// one alone, as with Send. Called on the loop goroutine.
func (w *Worker) Broadcast(v any, but ...*Connection) {
	if w.p == nil {
		return
	}
	w.p.own("Worker.Broadcast")
	m := Prepare(v)
	for c := range w.conns.each {
		if Status(c.status) == Established && !slices.Contains(but, c) {
			_ = c.Send(m)
		}
	}
}
