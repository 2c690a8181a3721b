package eventloop

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Events is a set of what happened on a descriptor, or of what is wanted.
type Events uint32

// The events of a descriptor. Hangup and Failed come unasked; Hangup for a peer
// that only closed its sending side comes while Readable is wanted.
const (
	Readable Events = 1 << iota
	Writable
	Hangup
	Failed
)

// ErrNotWatched is returned by Rewatch, Unwatch and RequeueListener for
// a descriptor that is not watched.
var ErrNotWatched = errors.New("eventloop: descriptor is not watched")

// errListener is returned by Rewatch: the kernel cannot change an exclusive
// listener.
var errListener = errors.New("eventloop: a listener cannot be rewatched")

// Source is told what happened on the descriptor it was watched with. OnEvents
// runs on the loop goroutine, once per turn at most, and must not block. It is
// not guarded: a panic ends the loop.
type Source interface{ OnEvents(ev Events) }

// slot is what the loop knows of one descriptor number. The key changes with
// each Watch, so that events that were collected for an earlier owner of the
// number are not delivered to a later one.
type slot struct {
	source Source // nil: not watched
	mask   uint32 // what the kernel was told, and what always comes
	key    int32  // below 0: a listener
}

// Kernel masks. A half-closed peer stays half closed: RDHUP without reading
// would be reported again and again.
const (
	readMask     = unix.EPOLLIN | unix.EPOLLRDHUP
	alwaysMask   = unix.EPOLLERR | unix.EPOLLHUP
	listenerMask = unix.EPOLLIN | unix.EPOLLEXCLUSIVE
	listenerKey  = -1 << 31
)

func maskOf(want Events) uint32 {
	var mask uint32 = alwaysMask
	if want&Readable != 0 {
		mask |= readMask
	}
	if want&Writable != 0 {
		mask |= unix.EPOLLOUT
	}
	return mask
}

// eventsOf moves the kernel's bits to ours without a branch.
func eventsOf(mask uint32) Events {
	hangup := mask>>2 | mask>>11 // EPOLLHUP 0x10, EPOLLRDHUP 0x2000
	return Events(mask&1 | mask>>1&2 | hangup&4 | mask&8)
}

// Watch calls s when fd becomes what is wanted: Readable, Writable, both, or 0
// for trouble only. A descriptor has one Source. Whoever closes fd calls Unwatch
// first. Called on the loop goroutine.
func (l *Loop) Watch(fd int, want Events, s Source) error {
	return l.watch(fd, maskOf(want), 0, s)
}

// WatchListener watches a listening socket: of several processes that share it
// one is woken per connection, and its events come first in a turn. Called on
// the loop goroutine.
func (l *Loop) WatchListener(fd int, s Source) error {
	if err := l.watch(fd, listenerMask|alwaysMask, listenerKey, s); err != nil {
		return err
	}
	l.listeners++
	return nil
}

func (l *Loop) watch(fd int, mask uint32, kind int32, s Source) error {
	if fd < 0 || s == nil {
		return fmt.Errorf("watch descriptor %d: %w", fd, unix.EINVAL)
	}
	for fd >= len(l.slots) {
		l.slots = append(l.slots, slot{})
	}
	key := (l.slots[fd].key+1)&^listenerKey | kind
	// A slot still taken whose descriptor the kernel does not know belongs to
	// one that was closed without Unwatch: the number is free.
	if err := l.driver.add(fd, mask, key); err != nil {
		return fmt.Errorf("watch descriptor %d: %w", fd, err)
	}
	l.vacate(fd)
	l.slots[fd] = slot{source: s, mask: mask, key: key}
	return nil
}

// Rewatch changes what is wanted of fd from this moment on: events of this turn
// that are no longer wanted are not delivered. It costs nothing when nothing
// changes. Called on the loop goroutine.
func (l *Loop) Rewatch(fd int, want Events) error {
	s, err := l.watched(fd)
	if err != nil {
		return err
	}
	mask := maskOf(want)
	if s.mask == mask {
		return nil
	}
	if s.key < 0 {
		return errListener
	}
	if err := l.driver.modify(fd, mask, s.key); err != nil {
		return fmt.Errorf("rewatch descriptor %d: %w", fd, err)
	}
	s.mask = mask
	return nil
}

// Unwatch ends the watching of fd: its Source is not called again, not even for
// events of this turn, also when the number is closed and reused at once.
// Called on the loop goroutine, inside any callback.
func (l *Loop) Unwatch(fd int) error {
	if _, err := l.watched(fd); err != nil {
		return err
	}
	l.vacate(fd)
	err := l.driver.remove(fd)
	if err == unix.EBADF || err == unix.ENOENT { // closed before: gone already
		return nil
	}
	if err != nil {
		return fmt.Errorf("unwatch descriptor %d: %w", fd, err)
	}
	return nil
}

// Forget is Unwatch for a descriptor that the caller closes before its callback
// returns, and of which no other process has a copy: it saves a system call.
// Called on the loop goroutine, inside any callback.
func (l *Loop) Forget(fd int) {
	if _, err := l.watched(fd); err == nil {
		l.vacate(fd)
		l.driver.forget(fd)
	}
}

// RequeueListener removes and adds the listener fd, so that the kernel wakes
// another process for the next connection. Called on the loop goroutine, after
// accepting.
func (l *Loop) RequeueListener(fd int) error {
	s, err := l.watched(fd)
	if err != nil {
		return err
	}
	if err := l.driver.remove(fd); err != nil {
		return fmt.Errorf("requeue descriptor %d: %w", fd, err)
	}
	if err := l.driver.add(fd, s.mask, s.key); err != nil {
		return fmt.Errorf("requeue descriptor %d: %w", fd, err)
	}
	return nil
}

func (l *Loop) watched(fd int) (*slot, error) {
	if fd < 0 || fd >= len(l.slots) || l.slots[fd].source == nil {
		return nil, ErrNotWatched
	}
	return &l.slots[fd], nil
}

// vacate frees the slot of fd; its key stays, as the base of the next one.
func (l *Loop) vacate(fd int) {
	s := &l.slots[fd]
	if s.source != nil && s.key < 0 {
		l.listeners--
	}
	s.source, s.mask = nil, 0
}

// dispatch delivers the events of a turn, listeners first.
func (l *Loop) dispatch(ready []unix.EpollEvent) {
	if l.listeners > 0 {
		for i := range ready {
			if ready[i].Pad < 0 {
				l.deliver(&ready[i])
			}
		}
	}
	for i := range ready {
		if ready[i].Pad >= 0 {
			l.deliver(&ready[i])
		}
	}
}

func (l *Loop) deliver(ev *unix.EpollEvent) {
	s := &l.slots[ev.Fd]
	mask := ev.Events & s.mask
	if s.key != ev.Pad || mask == 0 { // mask is 0 when not watched
		return
	}
	s.source.OnEvents(eventsOf(mask))
}
