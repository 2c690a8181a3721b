package gateway

import (
	"slices"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

// Link is the connection of a BusinessWorker, as a Gateway sees it. Owned by the loop.
type Link struct {
	// Key is the address of the BusinessWorker and its name: "127.0.0.1:chat:0".
	Key string
	// Addr is where it connected from.
	Addr string

	conn     *worker.Connection
	wm       bool // it is no PHP
	draining bool // nothing is sent to it any more
	gone     bool
	returned bool // it has given events back, and wants to hear what becomes of them
	stuck    bool // as readSome has seen it
	clients  int  // that are bound to it
}

// full says that it has as much to read as it may have.
func (l *Link) full() bool { return l.conn.SendQueueSize() >= l.conn.MaxSendBufferSize }

// takes says that events can go out over it.
func (l *Link) takes() bool { return !l.draining && !l.full() }

// links are the BusinessWorkers that have connected. The zero value has none. Owned by
// the loop.
type links struct {
	list   []*Link // in the order in which they connected
	byKey  map[string]*Link
	fights map[string]*fight
}

// fight is about one key that several processes want.
type fight struct{ attempts []time.Time }

const (
	// fightTime is within how long the replacements of a link are counted.
	fightTime = 10 * time.Second
	// maxReplaced is how often a living link is replaced in that time.
	maxReplaced = 2
)

// add appends a link.
func (t *links) add(l *Link) {
	if t.byKey == nil {
		t.byKey = make(map[string]*Link)
	}
	t.byKey[l.Key] = l
	t.list = append(t.list, l)
}

// remove takes l out, and not one that has taken its key since.
func (t *links) remove(l *Link) {
	if t.byKey[l.Key] == l {
		delete(t.byKey, l.Key)
	}
	if i := slices.Index(t.list, l); i >= 0 {
		t.list = slices.Delete(t.list, i, i+1)
	}
}

// usable says that there is a link that events may go to.
func (t *links) usable() bool {
	return slices.ContainsFunc(t.list, func(l *Link) bool { return !l.draining })
}

// fought notes that one more process wants a key that a living link has; true: this
// goes on for too long, and who came first stays.
func (t *links) fought(key string, now time.Time) bool {
	f := t.fights[key]
	if f == nil {
		if t.fights == nil {
			t.fights = make(map[string]*fight)
		}
		f = &fight{}
		t.fights[key] = f
	}
	f.attempts = append(f.attempts, now)
	f.attempts = f.attempts[max(0, len(f.attempts)-maxReplaced-1):]
	return len(f.attempts) > maxReplaced && now.Sub(f.attempts[0]) < fightTime
}

// settle forgets fights that are over.
func (t *links) settle(now time.Time) {
	for key, f := range t.fights {
		if now.Sub(f.attempts[len(f.attempts)-1]) >= fightTime {
			delete(t.fights, key)
		}
	}
}

// connect makes an authorised peer a BusinessWorker. One that comes back replaces its
// older link, which may be dead without anybody knowing. Two groups of BusinessWorkers
// of one name on one host would replace each other for ever (trap T100): then the
// newcomers are refused.
func (p *process) connect(pe *peer, name string, wm bool) {
	l := &Link{
		Key: pe.ip.String() + ":" + name, Addr: pe.conn.RemoteAddr().String(),
		conn: pe.conn, wm: wm,
	}
	t := &p.links
	old := t.byKey[l.Key]
	if pe.link != nil {
		if old == pe.link {
			return // it says again who it is
		}
		p.disconnect(pe.link)
		pe.link = nil
	}
	if old != nil {
		now := worker.Loop().Now()
		t.settle(now)
		if t.fought(l.Key, now) {
			p.refuseRival(pe, l.Key)
			return
		}
		worker.Log("Gateway %s: BusinessWorker %s has connected again, from %s",
			p.g.Name, l.Key, l.Addr)
		p.disconnect(old)
		old.conn.Destroy()
	}
	pe.link = l
	t.add(l)
	if wm {
		pe.send(wire.Welcome)
	}
	p.accept()
	p.release()
	if p.g.OnBusinessWorkerConnected != nil {
		p.g.OnBusinessWorkerConnected(l)
	}
}

// refuseRival keeps the link that is there.
func (p *process) refuseRival(pe *peer, key string) {
	p.logRarely("fight "+key, "Gateway %s: several BusinessWorkers call "+
		"themselves %s: give each BusinessWorker of a host a Name of its own. "+
		"%s is refused, the other one stays", p.g.Name, key, pe.conn.RemoteAddr())
	pe.conn.Destroy()
}

// send sends a packet that is nothing but its command.
func (pe *peer) send(what wire.Command) {
	_ = pe.conn.Send(&wire.Packet{Command: what, Flag: wire.Scalar}) // the end of pe is told
}

// disconnect takes a link off the table: its clients are bound anew.
func (p *process) disconnect(l *Link) {
	if l.gone {
		return
	}
	l.gone = true
	p.links.remove(l)
	p.release()
	p.endIfAlone()
	if p.g.OnBusinessWorkerClose != nil {
		p.g.OnBusinessWorkerClose(l)
	}
}

// drain begins the end of a BusinessWorker of wm, which has said that it leaves: what
// its clients do is held until it has finished what it has got.
func (p *process) drain(l *Link) {
	if l == nil || !l.wm || l.draining || l.gone {
		return
	}
	l.draining = true
	flag := wire.Scalar
	if p.takesBack() {
		flag |= wire.TakesBack
	}
	_ = l.conn.Send(&wire.Packet{Command: wire.Drain, Flag: flag})
}

// drained is the end of it: all results are in, its clients may go to others. If there
// are none any more, as when all are told to stop, it has to handle what it has returned.
func (p *process) drained(l *Link) {
	if l == nil || !l.draining || l.gone {
		return
	}
	answer := wire.Packet{Command: wire.Drained, Flag: wire.Scalar}
	if !p.takesBack() && p.handBack(l) {
		answer.Command = wire.Drain
		_ = l.conn.Send(&answer)
		return
	}
	if l.returned {
		_ = l.conn.Send(&answer)
	}
	p.disconnect(l)
}

// pingLinks is for what stands between hosts.
func (p *process) pingLinks() {
	for _, l := range p.links.list {
		if !l.draining && !l.full() {
			_ = l.conn.Send(&wire.Packet{Command: wire.Ping, Flag: wire.Scalar})
		}
	}
}
