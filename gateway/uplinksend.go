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
		t.flushAll()
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
		l.farewell.aside = append(l.farewell.aside, box.packets...)
	} else if err := l.conn.Send(box.packets); err == nil {
		l.t.given(l, len(box.packets))
	} else if err != worker.ErrClosed {
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
	n := l.conn.SendQueueSize() + len(l.farewell.aside)
	t.mu.Lock()
	l.box.behind = n
	t.mu.Unlock()
}

// flush implements uplinks: what was sent before is with the kernel when it
// returns. It may be called by any goroutine; on the loop it blocks that.
func (t *linkTable) flush(deadline time.Time) error {
	if t.p.loop.Owned() {
		return t.flushHere(deadline)
	}
	done := make(chan struct{})
	t.p.loop.Post(func() {
		t.drain()
		left := 1
		sent := func() {
			if left--; left == 0 {
				close(done)
			}
		}
		for _, l := range t.links {
			if l.standing {
				left++
				l.flushed = append(l.flushed, sent)
				l.conn.WhenSent(func(*worker.Connection) { l.sent() })
			}
		}
		sent()
	})
	late := time.NewTimer(time.Until(deadline))
	defer late.Stop()
	select {
	case <-done:
		return nil
	case <-late.C:
		return ErrTimeout
	}
}

// flushHere is flush on the loop, where nobody else would go on with a backlog.
func (t *linkTable) flushHere(deadline time.Time) error {
	t.drain()
	for {
		blocked := t.flushAll()
		if len(blocked) == 0 {
			return nil
		}
		left := time.Until(deadline)
		if left <= 0 {
			return ErrTimeout
		}
		_, err := unix.Poll(blocked, int(left/time.Millisecond)+1)
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("gateway: poll: %w", err)
		}
	}
}

// flushAll offers everything to the kernel and returns the sockets that it has
// refused.
func (t *linkTable) flushAll() []unix.PollFd {
	var blocked []unix.PollFd
	for _, l := range t.all() {
		if !l.standing {
			continue
		}
		l.conn.Flush()
		if l.conn.SendQueueSize() > 0 && l.conn.Fd() >= 0 {
			blocked = append(blocked, unix.PollFd{Fd: int32(l.conn.Fd()), Events: unix.POLLOUT})
		}
		t.measure(l)
	}
	return blocked
}

// sent tells who waits for a flush that all of it is with the kernel, or lost.
func (l *uplink) sent() {
	waiting := l.flushed
	l.flushed = nil
	for _, fn := range waiting {
		fn()
	}
}
