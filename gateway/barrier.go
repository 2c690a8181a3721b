package gateway

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/gateway/wire"
)

// What was sent on a link has to be done before a question behind it is answered
// (wire.md 2.10), and the question travels on another connection. A Gateway of wm looks
// after that by itself. One of PHP serves what one select() has found, and a
// select() that has passed the link can still find the question. So it is asked
// something cheap first: what arrived before its answer is found by the next select(),
// and of what that finds, older connections are served first.

// phpRead is what a PHP Gateway reads of a link in one turn, on the safe side: it
// is 64 KiB, and Workerman's own packets are among those bytes.
const phpRead = 32 << 10

// restfulPause is how long a link rests that the other kernel has not taken all of.
const restfulPause = time.Millisecond

// mark is a place in what was put on a link.
type mark struct {
	life   time.Time // of the link
	end    int64     // bytes that this life has been given until then
	behind int64     // those of them that nobody knows to be read; 0: the question may go
}

// rounds is how many turns of a PHP Gateway it takes to read that. A connection that
// is older than the link is served before it, and so a turn too early.
func (m mark) rounds(asker *socket) int {
	n := int(m.behind/phpRead) + 1
	if asker.olderThan(m.life) {
		n++
	}
	return n
}

// barrier returns when a question that s is given now comes behind what was flushed.
// Held says that the loop waits for that.
func (e *errand) barrier(to asker, held bool) error {
	s, ok := to.(*socket)
	if !ok || e.c.via == nil {
		return nil
	}
	m := e.c.via.unread(s.address)
	if m.behind == 0 {
		return nil
	}
	if err := e.c.via.taken(e.ctx, s.address, m.behind > phpRead, held); err != nil {
		return err
	}
	nobody := wire.Packet{Command: wire.IsOnline, Flag: wire.Scalar}
	cheap := []inquiry{{packet: nobody.Append(nil)}}
	for range m.rounds(s) {
		if _, err := s.ask(e.ctx, cheap); err != nil {
			return err
		}
	}
	e.c.via.wasRead(s.address, m)
	return nil
}

// olderThan says that the connection there is was begun before a time.
func (s *socket) olderThan(life time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open != nil && s.open.began.Before(life)
}

// progress is how far a link is with what it was given. Guarded by mu of its table.
type progress struct {
	wm   bool      // the Gateway looks after it
	life time.Time // when it began, by the clock of connections
	put  int64     // bytes that were put on it in this life
	read int64     // those of them that the Gateway is known to have read
}

// unread implements uplinks.
func (t *linkTable) unread(address string) mark {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.linked[address]
	if l == nil || l.progress.wm {
		return mark{}
	}
	p := &l.progress
	return mark{life: p.life, end: p.put, behind: p.put - p.read}
}

// wasRead implements uplinks.
func (t *linkTable) wasRead(address string, m mark) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.linked[address]; l != nil && l.progress.life.Equal(m.life) {
		l.progress.read = max(l.progress.read, m.end)
	}
}

// held implements uplinks.
func (t *linkTable) held() bool { return t.p.loop.Owned() }

// taken implements uplinks. A loop that waits for it takes no posts, and does nothing
// with the link.
func (t *linkTable) taken(ctx context.Context, address string, all, held bool) error {
	for {
		if held {
			if t.hasLeft(address, all) {
				return nil
			}
		} else {
			left := make(chan bool, 1) // has room: nobody may be there any more
			t.p.loop.Post(func() { left <- t.hasLeft(address, all) })
			select {
			case yes := <-left:
				if yes {
					return nil
				}
			case <-ctx.Done():
				return late(ctx)
			}
		}
		select {
		case <-time.After(restfulPause):
		case <-ctx.Done():
			return late(ctx)
		}
	}
}

// hasLeft says that the other kernel has what was flushed. It says so 40 ms later when
// that is little, which nobody waits for unless all says so: it was sent, and
// no loss is known.
func (t *linkTable) hasLeft(address string, all bool) bool {
	t.mu.Lock()
	l := t.linked[address]
	t.mu.Unlock()
	if l == nil || l.conn.Fd() < 0 {
		return true // nothing more comes of it
	}
	i, err := unix.GetsockoptTCPInfo(l.conn.Fd(), unix.IPPROTO_TCP, unix.TCP_INFO)
	return err != nil || i.Notsent_bytes == 0 && i.Ca_state == 0 && i.Backoff == 0 &&
		i.Probes == 0 && (i.Unacked == 0 || !all)
}
