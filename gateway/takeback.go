package gateway

import (
	"bytes"
	"math"
	"net/netip"
	"slices"

	"github.com/workerman-go/wm/gateway/wire"
)

// takeBack takes an event that a BusinessWorker which leaves has not begun. It is
// delivered again, when that has finished what it has begun, in front of what has
// come since. It counts in HoldBytes, but is never refused.
func (p *process) takeBack(pe *peer, pk *wire.Packet) {
	what, l := wire.Command(pk.GatewayPort), pe.link
	switch what {
	case wire.OnConnect, wire.OnMessage, wire.OnClose, wire.OnWebSocketConnect:
	default:
		l = nil
	}
	if l == nil || !l.draining || l.gone {
		p.logRarely("return "+pe.ip.String(), "Gateway %s: %s returns an event that it cannot have",
			p.g.Name, pe.conn.RemoteAddr())
		return
	}
	l.returned = true
	h := p.holdReturned(l, pk)
	if h == nil {
		return // it has another BusinessWorker by now, or was turned away
	}
	h.returned = append(h.returned, heldEvent{what, pk.Flag & wire.Scalar, bytes.Clone(pk.Body)})
	p.count(h, len(pk.Body))
	p.bound(h)
}

// takesBack says that there is, and will be, somebody else for what is returned.
func (p *process) takesBack() bool { return !p.leaving && p.links.usable() }

// handBack sends what l has returned to l again; false: there was nothing.
func (p *process) handBack(l *Link) (some bool) {
	for _, h := range slices.Clone(p.holding.queue) {
		if p.holding.of[h.c] != h || h.c.link != l || len(h.returned) == 0 {
			continue
		}
		some = true
		l.conn.MaxSendBufferSize = math.MaxInt // it has come over this link
		for _, e := range h.returned {
			pk := &p.packet
			p.head(pk, h.c, l)
			pk.Command, pk.Body = e.what, e.body
			pk.Flag |= e.flag
			_ = l.conn.Send(pk) // closed: what it had is lost with it
			*pk = wire.Packet{}
			p.weigh(h, -heldBytes-len(e.body))
		}
		h.returned = nil
		if len(h.events) == 0 {
			p.drop(h)
		}
	}
	if some {
		p.endRelease()
	}
	return some
}

// holdReturned is where the events of a client wait that l returns one of. A client
// that had gone before l began to leave, so that nothing here knows it any more,
// has its address and its session from the packet.
func (p *process) holdReturned(l *Link, pk *wire.Packet) *held {
	c := p.known(pk.ConnectionID)
	switch {
	case c == nil:
		c = &client{id: pk.ConnectionID, link: l, session: string(pk.Ext)}
		l.clients++
		h := p.beginHold(c)
		h.from = netip.AddrPortFrom(pk.ClientAddr(), pk.ClientPort)
		p.closeHeld(h)
		return h
	case c.link != l:
		return nil
	case p.holding.of[c] == nil:
		return p.beginHold(c)
	}
	return p.holding.of[c]
}

// known is a client by its number: one that is there, or one that has gone and of
// whom something is held.
func (p *process) known(id uint32) *client {
	if c := p.clients.byID(id); c != nil {
		return c
	}
	return p.holding.gone[id]
}

// from is the address of a client.
func (p *process) from(c *client) netip.AddrPort {
	if c.conn == nil {
		return p.holding.of[c].from
	}
	return c.conn.RemoteAddrPort()
}
