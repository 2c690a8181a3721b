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
// goroutine; the loop takes it from there behind the callback that it is in, or in
// its next turn.
func (t *linkTable) send(address string, packet []byte) error {
	if len(packet) > wire.MaxPacketBytes {
		return fmt.Errorf("%w: %d bytes", ErrTooLarge, len(packet))
	}
	err := t.sendWithin(t.limit, address, packet)
	if errors.Is(err, worker.ErrBufferFull) && t.p.loop.Owned() { // the kernel may have room
		t.drain()
		t.offer(t.links[address])
		err = t.sendWithin(t.limit, address, packet)
	}
	return err
}

// sendWithin is send as far as limit bytes wait.
func (t *linkTable) sendWithin(limit int, address string, packet []byte) error {
	if p := localGateway(address); p != nil {
		return t.sendHere(p, address, packet)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.linked[address]
	if l == nil {
		return fmt.Errorf("%w: %s", ErrOffline, address)
	}
	if len(l.box.packets)+l.box.behind >= limit {
		t.mark(l) // to look again
		return fmt.Errorf("gateway: %s: %w", address, worker.ErrBufferFull)
	}
	t.mark(l)
	l.box.packets = append(l.box.packets, packet...)
	l.box.writes = appendWrite(l.box.writes, packet)
	return nil
}

// appendWrite appends what a packet does to a session.
func appendWrite(all []write, packet []byte) []write {
	switch what := wire.Command(packet[4]); what {
	case wire.SetSession, wire.UpdateSession:
		if pk, err := wire.Parse(packet); err == nil {
			return append(all, write{
				client: pk.ConnectionID, merge: what == wire.UpdateSession, value: string(pk.Ext),
			})
		}
	}
	return all
}

// sendHere has a Gateway of this process, in a test, do what a packet says. Questions
// to it do not go over the link either, and have to come behind.
func (t *linkTable) sendHere(p *process, address string, packet []byte) error {
	if err := (inProcess{p}).send(context.Background(), packet); err != nil {
		return err
	}
	note := func() {
		if l := t.links[address]; l != nil {
			l.note(appendWrite(nil, packet))
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

// gather keeps what is sent from now on in the boxes until drain, which spares the
// way through the loop's mailbox. Called on the loop, drain being deferred.
func (t *linkTable) gather() {
	t.mu.Lock()
	t.posted = true
	t.mu.Unlock()
}

// drain puts what is in the boxes on the links.
func (t *linkTable) drain() {
	t.mu.Lock()
	full := t.full
	t.full, t.posted = t.spare[:0], false
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

// maxSpare is what an empty box keeps.
const maxSpare = 64 << 10

// put sends what was in the box of a link.
func (l *uplink) put(box outbox) {
	if len(box.packets) == 0 {
		l.t.measure(l)
		return
	}
	if l.farewell.shut {
		l.putAside(box.packets)
	} else if err := l.conn.Send(box.packets); err != nil && !errors.Is(err, worker.ErrClosed) {
		worker.Log("BusinessWorker: %d bytes for Gateway %s are lost: %v",
			len(box.packets), l.address, err)
	}
	l.note(box.writes)
	if cap(box.packets) <= maxSpare {
		l.spare = box.packets[:0] // Send has copied it
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
