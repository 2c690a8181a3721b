package http1

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Requests of one process for the same session wait here for each other, in
// order; so only one of them bothers the handler.

// queues are the sessions of this process that are locked or waited for.
var queues = lockQueues{byID: map[string]*lockQueue{}}

type lockQueues struct {
	mu      sync.Mutex // guards all below
	byID    map[string]*lockQueue
	waiting int
}

// lockQueue is of one session. Who has put a value into busy has the lock.
type lockQueue struct {
	busy chan struct{}
	refs int
}

var errCrowded = errors.New("too many requests wait (Sessions.MaxWaiting)")

// enter waits for its turn. Any goroutine may call it, and leave.
func (q *lockQueues) enter(ctx context.Context, id string, limit int) (leave func(), err error) {
	q.mu.Lock()
	one := q.byID[id]
	if one == nil {
		one = &lockQueue{busy: make(chan struct{}, 1)}
		q.byID[id] = one
	}
	if one.refs > 0 && q.waiting >= limit {
		q.mu.Unlock()
		return nil, errCrowded
	}
	one.refs++
	q.waiting++
	q.mu.Unlock()
	select {
	case one.busy <- struct{}{}:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	q.mu.Lock()
	q.waiting--
	q.mu.Unlock()
	if err != nil {
		q.forget(id, one)
		return nil, err
	}
	return func() {
		<-one.busy
		q.forget(id, one)
	}, nil
}

func (q *lockQueues) forget(id string, one *lockQueue) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if one.refs--; one.refs == 0 {
		delete(q.byID, id)
	}
}

// sessionLock is the lock of one session. It ends when released, or after half of
// LockTimeout, so that no forgotten or endless callback keeps others out.
type sessionLock struct {
	mu      sync.Mutex // guards unlock
	unlock  func()     // nil: released
	expires *time.Timer
}

// lock waits for the lock of id, until LockTimeout after since. Off the loop, where who
// calls it may have waited for a place.
func (k *keeper) lock(id string, since time.Time) (*sessionLock, error) {
	deadline := since.Add(k.LockTimeout)
	if !time.Now().Before(deadline) {
		return nil, fmt.Errorf("session %s: no turn within %v (Sessions.LockTimeout)",
			brief(id), k.LockTimeout)
	}
	ctx, cancel := context.WithDeadlineCause(context.Background(), deadline,
		fmt.Errorf("locked by another request for %v (Sessions.LockTimeout)", k.LockTimeout))
	defer cancel()
	leave, err := queues.enter(ctx, id, k.MaxWaiting)
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", brief(id), err)
	}
	locked := false
	defer func() {
		if !locked { // or the handler has panicked
			leave()
		}
	}()
	unlock, err := k.handler.Lock(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", brief(id), err)
	}
	locked = true
	l := &sessionLock{unlock: func() {
		defer leave()
		unlock()
	}}
	l.mu.Lock() // release may be called before expires is set
	defer l.mu.Unlock()
	l.expires = time.AfterFunc(k.LockTimeout/2, l.release)
	return l, nil
}

// release unlocks, unless that was done. It may block, and any goroutine may call it.
func (l *sessionLock) release() {
	if unlock := l.take(); unlock != nil {
		unlock()
	}
}

// take makes the lock that of the caller, who releases it by calling what is returned;
// nil when it has ended.
func (l *sessionLock) take() (unlock func()) {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if unlock = l.unlock; unlock != nil {
		l.unlock = nil
		l.expires.Stop()
	}
	return unlock
}

// brief is enough of an id to find it in a store, and too little to steal it.
func brief(id string) string { return id[:min(8, len(id))] + "..." }
