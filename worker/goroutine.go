package worker

import (
	"context"
	"sync"
	"sync/atomic"
)

// maxJobs is how many functions of one kind run at once; more wait their turn.
const maxJobs = 1024

// jobKind has places of its own: each kind may wait for something else that hangs.
type jobKind uint8

const (
	ofAuthor   jobKind = iota // Go
	ofProtocol                // Await: the disk, for uploads
	ofLoads                   // AwaitLoad
	ofSaves                   // AwaitSave
	jobKinds
)

// jobs is the work beside the loop.
type jobs struct {
	// alive counts what a drain waits for: work that waits or runs, or whose
	// done has not run yet.
	alive atomic.Int64
	kinds [jobKinds]places
}

// places is where the work of one kind runs.
type places struct {
	mu      sync.Mutex // guards the fields below
	running int
	waiting []func()
}

// Post runs fn on the loop of this process in its next turn, in the order of
// posting. It never blocks and may be called by any goroutine; without a
// process, or after its end, fn is dropped.
func Post(fn func()) {
	if p := current.Load(); p != nil {
		p.loop.Post(fn)
	}
}

// Go runs work on a goroutine of its own, where it may block, and then done on
// the loop, with what work returned. done is dropped when ctx has ended by
// then: with Connection.Context a reply is dropped with its client. A panic of
// work is logged, counted, and given to done as an error. No more than 1,024
// run at once, the others wait. A process that is told to leave waits for
// them. Go never blocks and may be called by any goroutine; without a process
// it does nothing. done may be nil.
func Go[T any](
	ctx context.Context, work func(context.Context) (T, error), done func(T, error),
) {
	p := current.Load()
	if p == nil {
		return
	}
	p.jobs.start(ofAuthor, func() {
		var v T
		err := ctx.Err()
		if err == nil {
			v, err = attempt(p, func() (T, error) { return work(ctx) })
		}
		p.loop.Post(func() {
			p.jobs.alive.Add(-1)
			if done != nil && ctx.Err() == nil {
				done(v, err)
			}
		})
	})
}

// start runs job on a goroutine, now or when another one of its kind has ended.
func (j *jobs) start(kind jobKind, job func()) {
	j.alive.Add(1)
	j.kinds[kind].start(job)
}

func (l *places) start(job func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running == maxJobs {
		l.waiting = append(l.waiting, job)
		return
	}
	l.running++
	go l.run(job) // ends when no job waits
}

func (l *places) run(job func()) {
	for job != nil {
		job()
		job = l.next()
	}
}

// next takes a waiting job, or gives up the goroutine's place.
func (l *places) next() func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.running--
		return nil
	}
	job := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	return job
}
