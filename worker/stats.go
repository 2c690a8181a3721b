package worker

import (
	"sync/atomic"
	"time"
)

// counters are kept by the loop, except threw, which any goroutine may raise.
type counters struct {
	connections, total, sendFail int64
	threw                        atomic.Int64
}

// published is a copy of the counters for other goroutines, as of the end of
// the last turn.
type published struct {
	connections, total, sendFail, timers atomic.Int64
	// Of a drain, see Waiting: 1 s more than the age of the process at which the
	// oldest connection came, and the rate of closes.
	oldest, rate atomic.Int64
	inLine       atomic.Bool // others close theirs first
}

// Statistics are the counters of this process.
type Statistics struct {
	// Connections are those that are open now.
	Connections int64
	// TotalRequest counts messages received, and no handshakes, control frames
	// or other frames that bring none.
	TotalRequest int64
	// SendFail counts messages refused for a full buffer, and write errors.
	SendFail int64
	// ThrowException counts panics of callbacks.
	ThrowException int64
}

// Stats returns the counters of this process; zero where there is none. Called
// on the loop goroutine.
func Stats() Statistics {
	p := current.Load()
	if p == nil {
		return Statistics{}
	}
	p.own("Stats")
	n := &p.counters
	return Statistics{
		Connections:    n.connections,
		TotalRequest:   n.total + p.handled.requests.Load(),
		SendFail:       n.sendFail + p.handled.failures.Load(),
		ThrowException: n.threw.Load(),
	}
}

// Figures are what status shows of a process.
type Figures struct {
	Connections, TotalRequest, SendFail, ThrowException int64
	Timers                                              int64
	// Busy is how long the loop has been in its present turn; 0 is idle.
	Busy time.Duration
}

// Figures returns the counters as of the end of the last turn. For the harness
// only; it may be called by any goroutine, also while the loop is blocked.
func (p *Process) Figures() Figures {
	n := &p.published
	return Figures{
		Connections:    n.connections.Load(),
		TotalRequest:   n.total.Load() + p.handled.requests.Load(),
		SendFail:       n.sendFail.Load() + p.handled.failures.Load(),
		ThrowException: p.counters.threw.Load(),
		Timers:         n.timers.Load(), Busy: p.loop.Busy(),
	}
}

// publish runs at the end of each turn.
func (p *Process) publish() {
	store(&p.published.connections, p.counters.connections)
	store(&p.published.total, p.counters.total)
	store(&p.published.sendFail, p.counters.sendFail)
	store(&p.published.timers, int64(p.loop.TimerCount()))
	for _, j := range p.joined {
		store(&j.w.open, int64(j.w.conns.len()))
	}
	if len(p.joined) > 0 {
		store(&p.w.open, int64(p.w.conns.len()))
	}
}

// store spares most turns the locked instruction: loads cost nothing.
func store(to *atomic.Int64, v int64) {
	if to.Load() != v {
		to.Store(v)
	}
}

// seconds is the age of the process.
func (p *Process) seconds() uint32 { return uint32(p.loop.Now().Sub(p.began) / time.Second) }
