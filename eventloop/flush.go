package eventloop

// Flusher has something to do once at the end of a turn, usually to write what
// was sent during it. FlushTurn runs on the loop goroutine, must not block and
// is not guarded.
type Flusher interface{ FlushTurn() }

// AtTurnEnd calls f at the end of the current turn, before the loop waits
// again; outside a turn, before the first wait. Added while flushers run, f
// still runs in the same turn end. Each call counts: who wants to be flushed
// once asks once. Called on the loop goroutine.
func (l *Loop) AtTurnEnd(f Flusher) { l.flushers = append(l.flushers, f) }

// SetTurnHook sets what runs at the end of each turn after all flushers, on the
// loop goroutine; nil is nothing. Called before Run or on the loop goroutine.
func (l *Loop) SetTurnHook(fn func()) { l.hook = fn }

func (l *Loop) endTurn() {
	for i := 0; i < len(l.flushers); i++ {
		f := l.flushers[i]
		l.flushers[i] = nil
		f.FlushTurn()
	}
	l.flushers = l.flushers[:0]
	if l.hook != nil {
		l.hook()
	}
}
