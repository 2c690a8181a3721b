package worker

import (
	"errors"
	"sync"
	"time"

	"github.com/workerman-go/wm/protocol/http1"
)

// A store of sessions that is down fails each request that needs it. The log says so
// in a line without a stack, which would be that of the framework, and must
// not fill up: of many failures it gets the first ones and then, once a second,
// how many there were.

const (
	// firstFailures is how many lines the first second of failures gets.
	firstFailures = 3
	// failurePause is between two lines about the others.
	failurePause = time.Second
)

// sessionFailures are those that are not in the log yet.
type sessionFailures struct {
	mu     sync.Mutex // guards the fields below
	logged int        // since there was a second without any
	more   int
	last   string // of more
	waits  bool   // countFailures will be called
}

// isSessionFailure says that a panic means a session that could not be had, or kept.
func isSessionFailure(r any) bool {
	err, _ := r.(error)
	var e *http1.SessionUnavailable
	return errors.As(err, &e)
}

// sessionFailed logs a failure, or has it counted. Any goroutine.
func (p *Process) sessionFailed(text string) {
	f := &p.sessions
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.logged < firstFailures {
		f.logged++
		p.logf("sessions fail: %s", text)
	} else {
		f.more++
		f.last = text
	}
	if !f.waits {
		f.waits = true
		p.loop.Post(func() { p.loop.AddInnerTimer(failurePause, false, p.countFailures) })
	}
}

// countFailures looks again and again, until there was a second without failures.
func (p *Process) countFailures() {
	if p.tellFailures() {
		p.loop.AddInnerTimer(failurePause, false, p.countFailures)
	}
}

// tellFailures logs how many there were that are not in the log, if any.
func (p *Process) tellFailures() (told bool) {
	f := &p.sessions
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.more == 0 {
		f.logged, f.waits = 0, false
		return false
	}
	p.logf("sessions fail: %d more times, the last: %s", f.more, f.last)
	f.more, f.last = 0, ""
	return true
}
