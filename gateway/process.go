package gateway

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// process is what one Gateway process knows. Owned by its loop; no locking.
type process struct {
	g       *Gateway
	clients clients
	links   links
	holding holding
	of      map[*worker.Connection]*client
	author  worker.Callbacks // what they were before they became ours
	rarely  rarely

	registers *registerLinks

	inner  *worker.Worker
	asked  []*peer // their questions wait for the end of the turn
	posted bool    // answerAll will be called

	ip     uint32 // LanIP
	port   uint16 // inner
	public uint16 // that clients connect to
	packet wire.Packet
	ext    []byte

	// The callbacks of every client connection that need no client, made once.
	onValue            func(c *worker.Connection, v any)
	onClose            func(c *worker.Connection)
	onWebSocketConnect func(c *worker.Connection, r *http1.Request)

	routing   *client // whom Router is asked about
	prepared  bool    // the callbacks are ours
	accepting bool    // clients
	leaving   bool
	patient   bool // with its links, at the end
	ended     bool // inner connections may go
}

// pingLinksEvery is how often BusinessWorkers of other hosts get a packet, for what
// stands between them and forgets silent connections (wire.md 2.14).
const pingLinksEvery = 25 * time.Second

// serve makes a process of the Gateway. Without its inner port the start fails.
func (g *Gateway) serve(w *worker.Worker) {
	p := &process{
		g: g, of: make(map[*worker.Connection]*client),
		public: portOf(w.Addr()),
	}
	lan := netip.MustParseAddr(g.LanIP).As4()
	p.ip = binary.BigEndian.Uint32(lan[:])
	if err := p.listen(); err != nil {
		w.OnWorkerStart = func(*worker.Worker) error { return err }
		return
	}
	p.port = portOf(p.inner.Addr())
	w.PauseAccept()
	loop := worker.Loop()
	loop.Post(func() {
		p.takeOver(w)
		p.awaitBusiness()
	})
	p.startHeartbeat()
	addGateway(p)
	context.AfterFunc(w.Context(), func() { loop.Post(p.leave) })
	if g.LanIP != loopback {
		loop.AddInnerTimer(pingLinksEvery, true, p.pingLinks)
	}
	p.registers = announce(g.RegisterAddress, g.SecretKey, p.address())
}

// portOf is 0 for what is no TCP address.
func portOf(addr net.Addr) uint16 {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return uint16(tcp.Port)
	}
	return 0
}

// logRarely writes a line that peers can cause at will: of each kind one in a while.
func (p *process) logRarely(kind, format string, a ...any) {
	p.rarely.log(kind, format, a...)
}

// address is the inner address as Registers and client ids have it.
func (p *process) address() string {
	return p.g.LanIP + ":" + strconv.Itoa(int(p.port))
}

// clientID is what the cluster calls c.
func (p *process) clientID(c *client) wire.ClientID {
	return wire.ClientID{IP: p.ip, Port: p.port, Connection: c.id}
}

// awaitBusiness keeps the door closed until somebody is there for the clients.
func (p *process) awaitBusiness() {
	p.prepared = true
	if p.g.BusinessWait == 0 || p.links.usable() {
		p.accept()
		return
	}
	worker.Loop().AddInnerTimer(p.g.BusinessWait, false, func() {
		if !p.accepting && !p.leaving {
			worker.Log("Gateway %s: no BusinessWorker within %v, accepting clients anyway",
				p.g.Name, p.g.BusinessWait)
			p.accept()
		}
	})
}

// accept opens the door, unless it is too early for that or too late.
func (p *process) accept() {
	if p.prepared && !p.accepting && !p.leaving {
		p.accepting = true
		if !p.holding.stopped {
			p.g.ResumeAccept()
		}
	}
}

// patienceWithLinks is how long a leaving process without clients waits for its
// BusinessWorkers. They leave too when the service stops, and still ask: the master
// keeps the inner port, where a new connection would wait for an answer in vain.
const patienceWithLinks = time.Second

// leave is called when the process has been told to end: inner connections stay for
// as long as there are clients, for what is still sent to them and for the news that
// they have gone.
func (p *process) leave() {
	p.leaving = true
	p.registers.close()
	p.endIfAlone()
}

// endIfAlone lets the inner connections of a leaving process go.
func (p *process) endIfAlone() {
	switch {
	case !p.leaving || p.ended || len(p.of) > 0:
	case len(p.links.list) == 0:
		p.end()
	case !p.patient:
		p.patient = true
		worker.Loop().AddInnerTimer(patienceWithLinks, false, p.end)
	}
}

// end closes all inner connections.
func (p *process) end() {
	p.ended = true
	for _, l := range p.links.list {
		p.handBack(l)
	}
	for c := range p.inner.Connections() {
		if pe, _ := c.Data.(*peer); pe != nil && pe.link != nil {
			c.End() // what it still sends must not reset the last events
		} else {
			c.Close()
		}
	}
}

// event hands something that happened to a client to a BusinessWorker; flag says
// what body is. What cannot go out now is held.
func (p *process) event(c *client, what wire.Command, flag wire.Flag, body []byte) {
	if p.holding.of[c] != nil || !p.deliver(c, what, flag, body) {
		p.hold(c, what, flag, body)
	}
}

// deliver puts an event on the link of its client; false: it cannot go out now.
func (p *process) deliver(c *client, what wire.Command, flag wire.Flag, body []byte) bool {
	l := p.linkOf(c)
	if l == nil || l.draining || l.full() {
		return false
	}
	pk := &p.packet
	p.head(pk, c, l)
	pk.Command, pk.Body = what, body
	pk.Flag |= flag
	if pk.Len() > wire.MaxPacketBytes {
		p.refuseLarge(c, pk.Len())
		return true
	}
	err := l.conn.Send(pk)
	*pk = wire.Packet{}
	return err == nil
}

// head fills in what the header and the ext data say of a client.
func (p *process) head(pk *wire.Packet, c *client, l *Link) {
	from := p.from(c)
	*pk = wire.Packet{
		LocalIP: p.ip, LocalPort: p.port, ConnectionID: c.id,
		ClientPort: from.Port(), GatewayPort: p.public,
	}
	pk.SetClientAddr(from.Addr(), l.wm)
	p.ext = append(p.ext[:0], c.session...)
	pk.Ext = p.ext
}

// innerOverhead is what travels with a message beside the session.
const innerOverhead = wire.HeaderBytes + 16

// refuseLarge ends a client whose message, with its session, fits into no packet.
func (p *process) refuseLarge(c *client, size int) {
	p.logRarely("large", "Gateway %s: a message of client %s makes a packet of %d bytes with its "+
		"session, above %d: closed", p.g.Name, p.clientID(c), size, wire.MaxPacketBytes)
	if c.conn != nil {
		c.conn.CloseCode(tooBig, "message too big")
	}
}

// fit keeps the messages of a client within what a packet has room for.
func (p *process) fit(c *client) {
	room := max(wire.MaxPacketBytes-innerOverhead-len(c.session), 1)
	c.conn.MaxPackageSize = min(c.conn.MaxPackageSize, room)
}

// Codes of websocket close frames (RFC 6455, and IANA for the last).
const (
	tooBig   = 1009
	tryLater = 1013
)
