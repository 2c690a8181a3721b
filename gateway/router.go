package gateway

import (
	"math/rand/v2"
	"slices"

	"github.com/workerman-go/wm/worker"
)

// Random is a Router that takes any BusinessWorker.
func Random(links []*Link, _ *worker.Connection) *Link { return links[rand.IntN(len(links))] }

// linkOf is where the events of a client go; nil: there is no BusinessWorker. A link
// that leaves keeps its clients until it has finished.
func (p *process) linkOf(c *client) *Link {
	if c.link != nil && !c.link.gone {
		return c.link
	}
	l := p.route(c)
	if l != nil {
		c.link = l
		l.clients++
	}
	return l
}

// route chooses the BusinessWorker of a client.
func (p *process) route(c *client) *Link {
	if p.g.Router == nil || p.routing == c || c.conn == nil { // it has panicked over c
		return p.links.leastConnections()
	}
	var offered []*Link
	for _, l := range p.links.list {
		if !l.draining {
			offered = append(offered, l)
		}
	}
	if len(offered) == 0 {
		return nil
	}
	p.routing = c
	l := p.g.Router(slices.Clone(offered), c.conn)
	p.routing = nil
	if !slices.Contains(offered, l) {
		p.logRarely("router", "Gateway %s: Router returned nil or a link that it was not given, "+
			"taking the BusinessWorker with the fewest clients", p.g.Name)
		return p.links.leastConnections()
	}
	return l
}

// leastConnections is the link with the fewest clients, the oldest of several. One that
// is full, as of a process that hangs, is for when all are.
func (t *links) leastConnections() (least *Link) {
	for _, l := range t.list {
		switch {
		case l.draining:
		case least == nil, least.full() && !l.full(),
			least.full() == l.full() && l.clients < least.clients:
			least = l
		}
	}
	return least
}
