package gateway

import (
	"sync/atomic"
	"time"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

// Every event brings the session that its Gateway had when it sent it. What this
// process has written since is still on its way then, and events that come before
// the Gateway has got it bring the session of before. So a link remembers what it
// has written, and asks the Gateway a question behind it; up to its answer, which
// comes in order with the events, what was written is put on top of what an event
// brings. Behind the answer the Gateway alone is right. PHP compares check sums
// instead and fetches the session whenever they differ (wire.md 3.4); this way no
// event ever waits for a Gateway.

// reprobe is after how long the question is asked anew: a PHP Gateway drops what
// does not fit into its buffer.
const reprobe = 10 * time.Second

// write is what this process has done to the session of a client.
type write struct {
	client uint32
	number uint64 // among those of the link
	merge  bool   // UpdateSession
	value  string
}

// writes are those of a link, as far as the Gateway has them. Each probe asks
// another question than the one before, so that a late answer is not taken for
// that of the next.
type writes struct {
	last     uint64 // the number of the newest one
	asked    uint64 // what the probe under way is behind; 0 when there is none
	answered uint64 // the Gateway has this and everything before
	nobody   bool   // the probe under way is GetSessionByClientID
	timer    eventloop.TimerID
	open     []openWrite // those behind answered, in order
}

type openWrite struct {
	number uint64
	s      *seat
}

// seat is a client for which something is under way: events that wait or are
// being handled, or writes that its Gateway may not have yet.
type seat struct {
	l       *uplink
	client  uint32
	brought string  // as the newest event has brought it
	has     uint64  // the number of the newest write that is in it
	writes  []write // behind that
	waiting []arrival
	running bool        // one of them is being handled on a goroutine
	busy    int         // events that wait or are being handled
	listed  bool        // in l.seats
	closing atomic.Bool // its OnClose has come
}

// seatOf is the seat of a client that an event has come of, with its session. stays
// is false for an event that is handled at once: then nobody else looks for the seat.
func (l *uplink) seatOf(client uint32, session string, stays bool) *seat {
	s := l.seats[client]
	if s == nil {
		s = l.newSeat(client)
		if stays {
			l.list(s)
		}
	}
	s.brought, s.has = session, l.sessions.answered
	for len(s.writes) > 0 && s.writes[0].number <= s.has {
		s.writes = s.writes[1:]
	}
	s.busy++
	return s
}

// session is the newest one that can be known here.
func (s *seat) session() string {
	now := s.brought
	for _, w := range s.writes {
		if !w.merge {
			now = w.value
			continue
		}
		// What cannot be merged the Gateway ignores too.
		if merged, err := phpserialize.MergeSession(now, w.value); err == nil {
			now = merged
		}
	}
	return now
}

// done is called when an event of s was handled.
func (l *uplink) done(s *seat) {
	l.release(s)
	l.t.p.checkLeft(l)
}

// release is called when an event of s needs it no more.
func (l *uplink) release(s *seat) {
	l.under--
	s.busy--
	l.vacate(s)
}

// vacate forgets a seat when nothing is under way.
func (l *uplink) vacate(s *seat) {
	if s.busy > 0 || len(s.writes) > 0 && s.writes[len(s.writes)-1].number > l.sessions.answered {
		return
	}
	if s.listed {
		delete(l.seats, s.client)
		s.listed = false
	}
	if s.writes == nil { // else others may know it
		l.free = s
	}
}

// list has others find a seat.
func (l *uplink) list(s *seat) {
	l.seats[s.client] = s
	s.listed = true
}

// newSeat is a seat for a client that has none. Most events come, are handled, and
// leave nothing behind: one seat is enough for them.
func (l *uplink) newSeat(client uint32) *seat {
	s := l.free
	if s == nil {
		s = &seat{l: l}
	}
	l.free = nil
	s.client = client
	s.closing.Store(false)
	return s
}

// store writes the session of a client back.
func (l *uplink) store(s *seat, id wire.ClientID, session string) {
	pk := wire.Packet{
		Command: wire.SetSession, Flag: wire.Scalar, ConnectionID: s.client, Ext: []byte(session),
	}
	if len(session) > maxSession {
		worker.Log("BusinessWorker: the session of client %s is not stored: %d bytes, at most %d",
			id, len(session), maxSession)
		return
	}
	l.t.gather()
	defer l.t.drain()
	// A full buffer must not cost what the author has stored.
	if err := l.sendWithin(2*l.t.limit, &pk); err != nil {
		l.t.said.log("session "+l.address,
			"BusinessWorker: the session of client %s is not stored: %v", id, err)
	}
}

// note remembers writes that have just gone out, and asks behind them.
func (l *uplink) note(all []write) {
	for _, w := range all {
		s := l.seats[w.client]
		if s == nil && l.standing {
			s = l.newSeat(w.client)
			l.list(s)
		}
		if s == nil {
			continue
		}
		l.sessions.last++
		w.number = l.sessions.last
		if !w.merge {
			s.writes = s.writes[:0:0]
		}
		s.writes = append(s.writes, w)
		l.sessions.open = append(l.sessions.open, openWrite{w.number, s})
	}
	l.probe()
}

// probe asks a question whose answer says how far the Gateway is; not on a link that
// is about to end, over which nothing may go any more.
func (l *uplink) probe() {
	w := &l.sessions
	if w.asked > 0 || w.last == w.answered || !l.standing || l.farewell.shut ||
		l.farewell.stage == told || l.farewell.stage == offered {
		return
	}
	w.asked = w.last
	l.question()
	w.timer = l.t.p.loop.AddInnerTimer(reprobe, false, func() {
		w.asked = 0
		l.probe()
	})
}

// question asks what the Gateway answers in a word, about a client that is nobody.
func (l *uplink) question() {
	w := &l.sessions
	w.nobody = !w.nobody
	what := wire.IsOnline
	if w.nobody {
		what = wire.GetSessionByClientID
	}
	l.write(wire.Packet{Command: what, Flag: wire.Scalar})
}

// answered is called with the answer to a probe.
func (l *uplink) answered(data []byte) {
	w := &l.sessions
	last := l.farewell.stage == asking
	answer := string(data[4:])
	if w.asked == 0 && !last || w.nobody != (answer == answerNobody) {
		return
	}
	l.t.p.loop.DelTimer(w.timer)
	l.arrived(w.asked)
	if last {
		l.sureNow()
		return
	}
	l.probe()
}

// forgetWrites is for a link that has ended: what was written has arrived or is
// lost, and the events of the next link bring what the Gateway has.
func (l *uplink) forgetWrites() {
	l.t.p.loop.DelTimer(l.sessions.timer)
	l.arrived(l.sessions.last)
}

// arrived says that the Gateway has every write up to a number.
func (l *uplink) arrived(number uint64) {
	w := &l.sessions
	w.answered, w.asked = number, 0
	for len(w.open) > 0 && w.open[0].number <= number {
		s := w.open[0].s
		w.open[0] = openWrite{}
		w.open = w.open[1:]
		l.vacate(s)
	}
}
