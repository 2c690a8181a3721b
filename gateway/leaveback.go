package gateway

import (
	"errors"
	"math"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

// What a process that leaves has not begun it gives back to a Gateway of wm, which
// hands it to another one: so it leaves as fast as the handlers at work end, however
// much waits, and nothing is lost. An event goes back only when no later one of its
// client begins here: from Drain on none begins at all.

// givePiece is how much goes back before the kernel has to have taken it.
const givePiece = 256 << 10

// keeps says that no event of l begins now.
func (l *uplink) keeps() bool {
	f := &l.farewell
	switch f.stage {
	case asked, giving, offered, asking:
		return true
	case halved:
		return !f.sure || len(f.kept) > 0
	}
	return len(f.kept) > 0 // they are first
}

// drained is called when a Gateway has sent its last packet.
func (l *uplink) drained(flag wire.Flag) {
	f := &l.farewell
	switch {
	case f.stage != asked && f.stage != offered:
	case flag&wire.TakesBack != 0:
		f.stage = giving
		l.give()
	default: // nobody else is there: they wait for long, or for ever
		f.stage, f.gave = told, false
		l.begin()
		l.t.p.checkLeft(l)
	}
}

// taken is called when somebody else handles what went back.
func (l *uplink) taken() {
	if l.farewell.stage == offered {
		l.farewell.stage = quiet
		l.t.p.checkGone()
	}
}

// give gives back what waits, in pieces.
func (l *uplink) give() {
	l.t.drain() // the session that a handler has stored is in front
	f := &l.farewell
	for len(f.kept) > 0 && l.conn.SendQueueSize() < givePiece {
		l.giveOne()
	}
	if len(f.kept) > 0 {
		l.conn.WhenSent(func(*worker.Connection) {
			if f.stage == giving {
				l.give()
			}
		})
		return
	}
	f.stage = told
	l.t.p.checkLeft(l)
}

// giveOne gives back the first of the events that wait.
func (l *uplink) giveOne() {
	f := &l.farewell
	f.gave = true
	e := f.kept[0]
	f.kept[0] = waiting{}
	f.kept = f.kept[1:]
	pk := wire.Packet{
		Command: wire.Return, Flag: e.a.flag, ConnectionID: e.a.client,
		GatewayPort: uint16(e.a.what), ClientPort: e.a.port,
		Ext: []byte(e.s.session()), Body: e.a.body,
	}
	pk.SetClientAddr(e.a.ip, true)
	if pk.Len() > wire.MaxPacketBytes {
		pk.Ext = []byte(e.s.brought)
	}
	if err := l.conn.Send(pk.Append(nil)); err != nil && !errors.Is(err, worker.ErrClosed) {
		worker.Log("BusinessWorker: an event of client %s is lost: %v", e.a.id(), err)
	}
	l.release(e.s)
}

// giveRest gives back what waits at the end of the time to leave, also to a Gateway
// that has nobody else now, and returns how many.
func (l *uplink) giveRest() (n int) {
	f := &l.farewell
	if !l.standing || f.stage < asked || f.stage > offered {
		return 0
	}
	l.t.drain()
	f.kept = append(f.kept, l.t.p.queue.take(l)...)
	l.conn.MaxSendBufferSize = math.MaxInt // what has come over this link
	for ; len(f.kept) > 0; n++ {
		l.giveOne()
	}
	return n
}

// begin handles what waits after all: in the queue, or one after another, and each in
// a turn of its own, so that a panic ends it alone.
func (l *uplink) begin() {
	p, f := l.t.p, &l.farewell
	if p.queue.limit > 1 {
		kept := f.kept
		f.kept = nil
		for _, e := range kept {
			if p.wants(&e.a) {
				p.queue.add(e.s, e.a)
			} else {
				l.done(e.s)
			}
		}
		return
	}
	if len(f.kept) > 0 {
		worker.Post(l.beginOne)
	}
}

func (l *uplink) beginOne() {
	p, f := l.t.p, &l.farewell
	if len(f.kept) == 0 || p.leaving.ended {
		return
	}
	e := f.kept[0]
	f.kept[0] = waiting{}
	f.kept = f.kept[1:]
	if len(f.kept) > 0 {
		worker.Post(l.beginOne)
	}
	if !p.wants(&e.a) {
		l.done(e.s)
		return
	}
	p.links.gather()
	defer p.links.settle()
	p.run(e.s, &e.a)
}
