package supervisor

import (
	"slices"
	"time"

	"github.com/workerman-go/wm/ipc"
)

const (
	// surplusDrain is how long the socket of a slot that is gone stays open
	// for connections that are on their way to it.
	surplusDrain = time.Second
	// frozenAfter is how long a process may be in one turn of its loop
	// before a neighbour serves its queue too.
	frozenAfter = time.Second
)

// portGroup is the sockets of one address with ReusePort. The kernel deals
// connections out to all of them, whether or not somebody accepts, so the
// master keeps them over respawns and reloads and sees to it that each queue
// has a process.
type portGroup struct {
	sockets []*listener // by slot, without a hole
	steered bool        // the kernel was told to leave some out
}

// groupFor returns the sockets of a Spec's address, as many as it has slots.
func (s *Supervisor) groupFor(key string, spec ipc.Spec) (*portGroup, error) {
	g := s.groups[key]
	if g == nil {
		g = new(portGroup)
		s.groups[key] = g
	}
	for n := range spec.Count {
		if n < len(g.sockets) {
			g.sockets[n].closeAt = time.Time{} // taken back, if it was about to go
			continue
		}
		lis, err := s.open(addressOf(spec))
		if err != nil {
			return nil, err // what was opened goes with the start or the reload
		}
		g.sockets = append(g.sockets, lis)
	}
	return g, nil
}

// close gives all sockets back.
func (g *portGroup) close() {
	for _, lis := range g.sockets {
		lis.Close()
	}
	g.sockets = nil
}

// trim says how many slots there are from now on. Sockets beyond get no new
// connections and are closed when those that are under way have come.
func (g *portGroup) trim(slots int, now time.Time) {
	for _, lis := range g.sockets[min(slots, len(g.sockets)):] {
		if lis.closeAt.IsZero() {
			lis.closeAt = now.Add(surplusDrain)
		}
	}
	if g.steered || slots < len(g.sockets) {
		// An old kernel refuses: then a connection that comes in the moment
		// of the close is reset.
		g.steered = g.steer(slots) == nil
	}
}

// steer makes the kernel choose among the first n sockets, which are its first
// n too: it keeps them in the order of listen, and only last ones are closed.
func (g *portGroup) steer(n int) error {
	if n == 0 || n > len(g.sockets) {
		return nil
	}
	return g.sockets[0].Steer(n)
}

// nextClose is when the first surplus socket goes; zero when there is none.
func (g *portGroup) nextClose() time.Time {
	if len(g.sockets) == 0 {
		return time.Time{}
	}
	return g.sockets[len(g.sockets)-1].closeAt
}

// tendQueues sees to it that somebody accepts from every socket of a group:
// while its slot has no ready process, or one that does not come back, a
// neighbour does.
func (s *Supervisor) tendQueues(now time.Time) {
	if s.phase != filling && s.phase != serving {
		return
	}
	for _, g := range s.groups {
		s.closeSurplus(g, now)
		own, able := s.servers(g, now)
		for n, lis := range g.sockets {
			s.tendQueue(n, lis, own[n], able)
		}
	}
}

// tendQueue lends one socket or takes it back.
func (s *Supervisor) tendQueue(slot int, lis *listener, own *process, able []*process) {
	lender := lis.lentTo
	switch {
	case lender == nil:
	case !lender.accepts():
		lender = nil // it has given back what it had
	case own != nil || !slices.Contains(able, lender):
		lender.reclaim(slot)
		lender = nil
	}
	if own == nil && lender == nil {
		lender = leastLent(able)
		if lender != nil && !s.lend(slot, lis, lender) {
			lender = nil
		}
	}
	lis.lentTo = lender
}

// reclaim takes the queue of a slot back.
func (p *process) reclaim(slot int) {
	p.link.send(&ipc.Reclaim{Slot: slot})
	p.lent--
}

func (s *Supervisor) lend(slot int, lis *listener, to *process) bool {
	if err := to.link.pass(&ipc.Lend{Slot: slot}, lis.FD); err != nil {
		s.logf("%s cannot serve the queue of slot %d: %v", to.name(), slot, err)
		return false
	}
	to.lent++
	if s.phase == serving && s.roll == nil { // otherwise slots come and go by order
		s.logf("%s serves the queue of slot %d meanwhile", to.name(), slot)
	}
	return true
}

// servers returns who serves each slot's socket, and all who could serve
// another one too.
func (s *Supervisor) servers(g *portGroup, now time.Time) (own map[int]*process, able []*process) {
	own = map[int]*process{}
	for _, sl := range s.slots() {
		for _, p := range []*process{sl.current, sl.next} {
			if p == nil || p.plan.group != g || !p.accepts() || s.frozen(p, now) {
				continue
			}
			own[sl.number] = p
			able = append(able, p)
		}
	}
	return own, able
}

// accepts tells whether p takes connections in.
func (p *process) accepts() bool { return p.state == running && p.ended == nil }

// frozen tells whether p has not come back to its loop for a while; it is
// asked once a second.
func (s *Supervisor) frozen(p *process, now time.Time) bool {
	if s.phase != serving || p.answeredAt.IsZero() {
		return false
	}
	return p.figures.Busy >= frozenAfter || now.Sub(p.answeredAt) > lookEvery+frozenAfter
}

func leastLent(able []*process) *process {
	var least *process
	for _, p := range able {
		if least == nil || p.lent < least.lent {
			least = p
		}
	}
	return least
}

// closeSurplus closes the last sockets when their time has come. Who served
// them takes in what is left.
func (s *Supervisor) closeSurplus(g *portGroup, now time.Time) {
	for len(g.sockets) > 0 {
		n := len(g.sockets) - 1
		lis := g.sockets[n]
		if lis.closeAt.IsZero() || now.Before(lis.closeAt) {
			return
		}
		if lender := lis.lentTo; lender != nil && lender.accepts() {
			lender.reclaim(n)
		}
		lis.Close()
		g.sockets = g.sockets[:n]
	}
}
