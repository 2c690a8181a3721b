package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

// outbox is what any goroutine has sent and the loop has not yet put on a link.
type outbox struct {
	packets []byte
	writes  []write // of sessions, among the packets
	behind  int     // bytes that the connection had not got rid of at the last look
}

// send implements uplinks. It puts a packet into the box of a link, for any
// goroutine; the loop takes it from there at the end of the turn that it is in, or
// in its next one.
func (t *linkTable) send(address string, packet []byte) error {
	pk, err := wire.Parse(packet)
	if err != nil {
		return err
	}
	t.mu.Lock()
	l := t.linked[address]
	t.mu.Unlock()
	if l != nil {
		return l.send(&pk)
	}
	if p := localGateway(address); p != nil {
		return t.sendHere(p, address, &pk)
	}
	return fmt.Errorf("%w: %s", ErrOffline, address)
}

// send is that for a link that is known.
func (l *uplink) send(pk *wire.Packet) error {
	if n := pk.Len(); n > wire.MaxPacketBytes {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, n, wire.MaxPacketBytes)
	}
	t := l.t
	err := l.sendWithin(t.limit, pk)
	if errors.Is(err, worker.ErrBufferFull) && t.p.loop.Owned() { // the kernel may have room
		t.drain()
		t.offer(l)
		err = l.sendWithin(t.limit, pk)
	}
	return err
}

// sendWithin is send as far as limit bytes wait.
func (l *uplink) sendWithin(limit int, pk *wire.Packet) error {
	t := l.t
	if p := localGateway(l.address); p != nil {
		return t.sendHere(p, l.address, pk)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !l.linked { // an Event may be older than the link that there is now
		now := t.linked[l.address]
		if now == nil {
			return fmt.Errorf("%w: %s", ErrOffline, l.address)
		}
		l = now
	}
	t.mark(l)
	b := &l.box
	if len(b.packets)+b.behind >= limit { // marked, to look again
		return fmt.Errorf("gateway: %s: %w", l.address, worker.ErrBufferFull)
	}
	b.packets = pk.Append(b.packets)
	switch {
	case pk.Command == wire.SetSession, pk.Command == wire.UpdateSession:
		b.writes = append(b.writes, writeOf(pk))
		t.pressing.Store(true)
	case len(b.packets) >= hotBox:
		t.pressing.Store(true)
	}
	return nil
}

// writeOf is what a packet does to a session.
func writeOf(pk *wire.Packet) write {
	return write{
		client: pk.ConnectionID, merge: pk.Command == wire.UpdateSession, value: string(pk.Ext),
	}
}

// sendHere has a Gateway of this process, in a test, do what a packet says. Questions
// to it do not go over the link either, and have to come behind.
func (t *linkTable) sendHere(p *process, address string, pk *wire.Packet) error {
	if err := (inProcess{p}).send(context.Background(), pk.Append(nil)); err != nil {
		return err
	}
	if pk.Command != wire.SetSession && pk.Command != wire.UpdateSession {
		return nil
	}
	all := []write{writeOf(pk)}
	note := func() {
		if l := t.links[address]; l != nil {
			l.note(all)
		}
	}
	if t.p.loop.Owned() {
		note()
	} else {
		t.p.loop.Post(note)
	}
	return nil
}

// mark has drain look at l. mu must be held.
func (t *linkTable) mark(l *uplink) {
	if !slices.Contains(t.full, l) {
		t.full = append(t.full, l)
	}
	if !t.posted {
		t.posted = true
		t.p.loop.Post(t.drain)
	}
}

// gather keeps what is sent from now on in the boxes until the end of this turn: all
// of it goes out in one piece, and none of it through the mailbox of the loop. Called
// on the loop, settle being deferred.
func (t *linkTable) gather() {
	if t.turn {
		return
	}
	t.turn = true
	t.mu.Lock()
	t.posted = true
	t.mu.Unlock()
	t.p.loop.AtTurnEnd(t)
}

// settle is called behind each callback.
func (t *linkTable) settle() {
	if t.pressing.Load() {
		t.drain()
	}
}

// FlushTurn implements eventloop.Flusher.
func (t *linkTable) FlushTurn() {
	t.turn = false
	t.drain()
}

// drain puts what is in the boxes on the links.
func (t *linkTable) drain() {
	t.mu.Lock()
	full := t.full
	t.full, t.posted = t.spare[:0], t.turn
	t.pressing.Store(false)
	t.mu.Unlock()
	t.spare = nil // put may end a link, and whatever that does may send
	for i, l := range full {
		full[i] = nil
		l.put(t.empty(l))
	}
	t.spare = full[:0]
}

// empty takes what is in the box of a link.
func (t *linkTable) empty(l *uplink) outbox {
	t.mu.Lock()
	defer t.mu.Unlock()
	box := l.box
	l.box = outbox{packets: l.spare[:0], behind: box.behind}
	l.spare = nil
	return box
}

const (
	// hotBox is how much in a box goes to its connection behind the callback: by
	// and by, while it is in the cache of the processor.
	hotBox = 32 << 10
	// maxSpare is what an empty box keeps.
	maxSpare = 2 * hotBox
)

// put sends what was in the box of a link.
func (l *uplink) put(box outbox) {
	if len(box.packets) == 0 {
		l.t.measure(l)
		return
	}
	if l.farewell.shut {
		l.putAside(box.packets)
	} else if _, err := l.conn.Write(box.packets); err == nil {
		l.t.given(l, len(box.packets))
	} else if !errors.Is(err, worker.ErrClosed) {
		worker.Log("BusinessWorker: %d bytes for Gateway %s are lost: %v",
			len(box.packets), l.address, err)
	}
	l.note(box.writes)
	if cap(box.packets) <= maxSpare {
		l.spare = box.packets[:0] // Write has copied it
	}
	l.t.measure(l)
}

// measure looks how much the connection of a link has not got rid of.
func (t *linkTable) measure(l *uplink) {
	n := l.conn.SendQueueSize() + l.sideQueue()
	t.mu.Lock()
	l.box.behind = n
	t.mu.Unlock()
}

// flush implements uplinks: a Gateway that reads nothing holds up the questions to
// itself alone. On the loop it blocks that.
func (t *linkTable) flush(
	addresses []string, deadline time.Time, sent func(i int, err error),
) {
	if t.p.loop.Owned() {
		t.flushHere(addresses, deadline, sent)
		return
	}
	done := make(chan int, len(addresses)) // has room: nobody may be there any more
	t.p.loop.Post(func() {
		t.drain()
		for i, address := range addresses {
			l := t.links[address]
			if l == nil || !l.standing {
				done <- i
				continue
			}
			l.flushed = append(l.flushed, func() { done <- i })
			l.conn.WhenSent(func(*worker.Connection) {
				t.measure(l) // who is told now may send at once
				l.sent()
			})
		}
	})
	waiting := make(map[int]bool, len(addresses))
	for i := range addresses {
		waiting[i] = true
	}
	late := time.NewTimer(time.Until(deadline))
	defer late.Stop()
	for len(waiting) > 0 {
		select {
		case i := <-done:
			delete(waiting, i)
			sent(i, nil)
		case <-late.C:
			for i := range waiting {
				sent(i, ErrTimeout)
			}
			return
		}
	}
}

// flushHere is flush on the loop, where nobody else would go on with a backlog.
func (t *linkTable) flushHere(
	addresses []string, deadline time.Time, sent func(i int, err error),
) {
	t.drain()
	waiting := make([]int, len(addresses))
	for i := range waiting {
		waiting[i] = i
	}
	for {
		var blocked []unix.PollFd
		waiting = slices.DeleteFunc(waiting, func(i int) bool {
			fd, full := t.offer(t.links[addresses[i]])
			if full {
				blocked = append(blocked, fd)
			} else {
				sent(i, nil)
			}
			return !full
		})
		if len(waiting) == 0 {
			return
		}
		if err := poll(blocked, time.Until(deadline)); err != nil {
			for _, i := range waiting {
				sent(i, err)
			}
			return
		}
	}
}

// poll waits until one of some sockets takes more.
func poll(blocked []unix.PollFd, left time.Duration) error {
	if left <= 0 {
		return ErrTimeout
	}
	_, err := unix.Poll(blocked, int(left/time.Millisecond)+1)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("gateway: poll: %w", err)
	}
	return nil
}

// offer offers what waits for a link to the kernel; full: it has refused some.
func (t *linkTable) offer(l *uplink) (fd unix.PollFd, full bool) {
	if l == nil {
		return fd, false
	}
	if side := l.farewell.side; side != nil {
		side.Flush()
	}
	if !l.standing {
		return fd, false
	}
	l.conn.Flush()
	t.measure(l)
	full = l.conn.SendQueueSize() > 0 && l.conn.Fd() >= 0
	return unix.PollFd{Fd: int32(l.conn.Fd()), Events: unix.POLLOUT}, full
}

// sent tells who waits for a flush that all of it is with the kernel, or lost.
func (l *uplink) sent() {
	waiting := l.flushed
	l.flushed = nil
	for _, fn := range waiting {
		fn()
	}
}
