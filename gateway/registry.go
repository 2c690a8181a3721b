package gateway

import (
	"errors"
	"fmt"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/worker"
)

// registry is what the process of a Register knows. Owned by its loop; no locking.
type registry struct {
	r      *Register
	peers  map[*worker.Connection]*registrant
	rarely rarely
}

// registrant is who has connected. It is nobody until it has said so.
type registrant struct {
	address  string // of the Gateway that it is; empty: it is none
	worker   bool   // it wants to know where the Gateways are
	deadline eventloop.TimerID
}

// connect gives c its time to say who it is.
func (g *registry) connect(c *worker.Connection) {
	c.MaxPackageSize = g.r.MaxLine
	keepWatch(c)
	g.peers[c] = &registrant{
		deadline: worker.Loop().AddInnerTimer(g.r.AuthTimeout, false, func() {
			g.refuse(c, "it has not said who it is within %v", g.r.AuthTimeout)
		}),
	}
}

// refuse closes c without a word: who is a Gateway dies of any (wire.md 0.1), and
// who is nobody is told nothing.
func (g *registry) refuse(c *worker.Connection, why string, a ...any) {
	g.rarely.log(c.RemoteIP()+why, "connection of %s closed: %s", c.RemoteAddr(),
		fmt.Sprintf(why, a...))
	c.Close()
}

// line is a message of c.
func (g *registry) line(c *worker.Connection, data []byte) {
	l, err := parseRegisterLine(data)
	if err != nil {
		g.refuse(c, "its line of %d bytes has %v", len(data), err)
		return
	}
	switch l.event {
	case eventPing:
	case eventGateway:
		if g.admit(c, l) {
			g.gatewayCame(c, l.address)
		}
	case eventWorker:
		if g.admit(c, l) {
			g.workerCame(c)
		}
	default:
		g.refuse(c, "its line has the event %.40q, which is not for a Register", l.event)
	}
}

// admit checks the secret, and lifts the deadline.
func (g *registry) admit(c *worker.Connection, l registerLine) bool {
	if !sameSecret(l.secret, g.r.SecretKey) {
		g.refuse(c, "the secret_key of its %s is not the SecretKey of this Register", l.event)
		return false
	}
	worker.Loop().DelTimer(g.peers[c].deadline)
	return true
}

func (g *registry) gatewayCame(c *worker.Connection, address string) {
	p := g.peers[c]
	if !g.has(address) {
		worker.Log("gateway %s has come (%s)", address, c.RemoteAddr())
	}
	p.address = address
	g.broadcast()
}

// workerCame tells c, and c alone, where the Gateways are.
func (g *registry) workerCame(c *worker.Connection) {
	g.peers[c].worker = true
	if line, ok := g.addresses(); ok {
		g.tell(c, line)
	}
}

// close forgets c. A Gateway that has gone is off the list at once; when it is the
// Register that goes, nobody is told of the others.
func (g *registry) close(c *worker.Connection) {
	p := g.peers[c]
	if p == nil {
		return
	}
	worker.Loop().DelTimer(p.deadline)
	delete(g.peers, c)
	if p.address == "" || g.r.Context().Err() != nil {
		return
	}
	if !g.has(p.address) { // else it was connected twice
		worker.Log("gateway %s has gone (%s)", p.address, c.RemoteAddr())
	}
	g.broadcast()
}

// has says whether a Gateway is connected.
func (g *registry) has(address string) bool {
	for _, p := range g.peers {
		if p.address == address {
			return true
		}
	}
	return false
}

// broadcast tells everybody who wants to know: always the whole list (wire.md 1.5).
func (g *registry) broadcast() {
	line, ok := g.addresses()
	if !ok {
		return
	}
	for c := range g.r.Connections() {
		if p := g.peers[c]; p != nil && p.worker {
			g.tell(c, line)
		}
	}
}

// addresses is the list of the Gateways, in the order in which they have connected.
func (g *registry) addresses() (line *worker.Prepared, ok bool) {
	var list []string
	for c := range g.r.Connections() {
		if p := g.peers[c]; p != nil && p.address != "" {
			list = append(list, p.address)
		}
	}
	text, err := addressesLine(once(list))
	if err != nil {
		worker.Log("the list of gateways: %v", err)
		return nil, false
	}
	return worker.Prepare(text), true
}

// tell sends a list. Who does not take it would know an old one for ever: it is
// closed, and gets the list when it has connected again. Who said that it is a
// Gateway is never sent anything, whatever else it said (wire.md 0.1).
func (g *registry) tell(c *worker.Connection, line *worker.Prepared) {
	if g.peers[c].address != "" {
		return
	}
	if err := c.Send(line); errors.Is(err, worker.ErrBufferFull) {
		worker.Log("connection of %s closed: it does not read where the gateways are",
			c.RemoteAddr())
		c.Destroy()
	}
}
