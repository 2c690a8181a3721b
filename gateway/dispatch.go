package gateway

import (
	"net/netip"
	"slices"
	"time"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

// business is one process of a BusinessWorker. Owned by its loop; what other
// goroutines may reach has a lock of its own.
type business struct {
	b         *BusinessWorker
	key       string
	loop      *eventloop.Loop
	links     *linkTable
	registers *registerLinks
	cluster   *Client
	queue     queue
	faces     faces
	contexts  *contexts
	ready     func()        // of HoldReady; nil when it was called
	leaving   *leaving      // nil until the process is told to leave
	turn      time.Duration // turnTime
	spent     time.Duration // of it
}

// arrival is an event as it has come.
type arrival struct {
	what        wire.Command
	flag        wire.Flag
	client      uint32
	ip          netip.Addr
	port        uint16
	local       uint32 // the Gateway, as in client ids
	localPort   uint16
	gatewayPort uint16
	name        string // the id of the client
	remote      string // ip
	body        []byte // a copy
}

func newBusiness(b *BusinessWorker) *business {
	p := &business{b: b, key: b.key(), loop: worker.Loop(), contexts: newContexts(), turn: turnTime}
	p.links = newLinkTable(p)
	p.queue = newQueue(p)
	p.cluster = &Client{
		RegisterAddress: b.RegisterAddress, SecretKey: b.SecretKey, via: p.links,
		ConnectTimeout: linkedConnect,
	}
	Default = p.cluster
	return p
}

// begin looks for Gateways. The process waits for the links to those that are
// there; not in a test kit, where they live on this loop and wait for it as well.
func (p *business) begin() {
	if p.b.ReadyWait > 0 && len(worker.Workers()) == 1 {
		p.ready = p.b.HoldReady()
		p.loop.AddInnerTimer(p.b.ReadyWait, false, p.waited)
	}
	p.registers = follow(p.b.RegisterAddress, p.b.SecretKey, p.links.changed)
}

// checkReady reports ready when all Gateways that Registers have named are linked.
func (p *business) checkReady() {
	if p.ready != nil && p.links.told && len(p.links.missing()) == 0 {
		p.ready()
		p.ready = nil
	}
}

// waited is the end of ReadyWait.
func (p *business) waited() {
	if p.ready == nil {
		return
	}
	if !p.links.told {
		worker.Log("BusinessWorker: no Register of %v has answered within %v; going on "+
			"without it", p.registers.unanswered(), p.b.ReadyWait)
	} else {
		worker.Log("BusinessWorker: no link to %v within %v; going on without",
			p.links.missing(), p.b.ReadyWait)
	}
	p.ready()
	p.ready = nil
}

// arrive is called with each event; pk lies in the memory of the connection.
func (p *business) arrive(l *uplink, pk wire.Packet) {
	a := arrival{
		what: pk.Command, flag: pk.Flag, client: pk.ConnectionID,
		port: pk.ClientPort, gatewayPort: pk.GatewayPort,
		local: pk.LocalIP, localPort: pk.LocalPort,
		ip: pk.ClientAddr(),
	}
	if a.what == wire.OnClose {
		p.contexts.closed(a.id())
		if s := l.seats[a.client]; s != nil {
			s.closing.Store(true)
		}
	}
	if p.leaving != nil && p.leaving.ended { // the time is over
		return
	}
	keep := l.keeps()
	if !keep && !p.wants(&a) {
		if a.what == wire.OnMessage && a.flag&wire.Scalar == 0 {
			l.complain("Gateway %s: a message that is no bytes, and OnValue is not set", l.address)
		}
		return
	}
	stays := keep || p.queue.limit > 1 || l.farewell.stage == halved
	s := l.seatOf(a.client, p.faces.look(&a, pk.Ext), stays)
	a.body = slices.Clone(pk.Body)
	l.under++
	switch {
	case keep:
		l.farewell.kept = append(l.farewell.kept, waiting{s, a})
	case p.queue.limit > 1:
		p.queue.add(s, a)
	default:
		p.runNow(s, &a)
	}
}

// wants says that there is a callback for an event.
func (p *business) wants(a *arrival) bool {
	b := p.b
	switch a.what {
	case wire.OnConnect:
		return b.OnConnect != nil
	case wire.OnClose:
		return b.OnClose != nil
	case wire.OnWebSocketConnect:
		return b.OnWebSocketConnect != nil
	}
	return b.OnValue != nil || b.OnMessage != nil && a.flag&wire.Scalar != 0
}

// turnTime is how long callbacks on the loop may go on before that looks what else
// there is: that the process is to leave, for one.
const turnTime = 20 * time.Millisecond

// runNow handles an event that has just come on the loop.
func (p *business) runNow(s *seat, a *arrival) {
	p.links.gather()
	defer p.links.settle()
	began := time.Now()
	defer func() {
		if p.spent += time.Since(began); p.spent >= p.turn {
			p.spent = 0
			s.l.rest()
		}
	}()
	p.run(s, a)
}

// rest lets the events that follow wait for the next turn; not on a link that ends,
// because a connection whose both sides are shut does not wait.
func (l *uplink) rest() {
	if l.farewell.stage >= halved {
		return
	}
	l.conn.PauseRecv()
	l.t.p.loop.Post(l.conn.ResumeRecv)
}

// run handles one event on the loop.
func (p *business) run(s *seat, a *arrival) {
	defer s.l.done(s)
	if stored, ok := p.handle(s, a, s.session()); ok {
		s.l.store(s, a.id(), stored)
	}
}

func (a *arrival) id() wire.ClientID {
	return wire.ClientID{IP: a.local, Port: a.localPort, Connection: a.client}
}

// handle calls the author. It returns the session that is to be stored, if any. It
// runs on the loop, or on a goroutine of worker.Go; either catches panics.
func (p *business) handle(s *seat, a *arrival, session string) (stored string, ok bool) {
	v := &visit{session: Session{ext: session}}
	e := &v.Event
	e.Session = &v.session
	e.ClientID, e.Server.RemoteAddr = a.name, a.remote
	e.Server.RemotePort, e.Server.GatewayPort = int(a.port), int(a.gatewayPort)
	e.Server.GatewayAddr = s.l.host
	e.link, e.id, e.closing = s.l, a.id(), &s.closing
	if a.what == wire.OnClose {
		e.closing = nil
	}
	returned := false
	defer func() {
		e.over.Store(true)
		if !returned {
			worker.Log("BusinessWorker: a panic in %s of client %s; what it changed in the session "+
				"is not stored", callbackNames[a.what], e.ClientID)
		}
	}()
	p.call(e, a)
	returned = true
	if a.what == wire.OnClose || !e.Session.changed() {
		return "", false
	}
	stored, err := e.Session.encode()
	if err != nil {
		worker.Log("BusinessWorker: the session of client %s is not stored: %v", e.ClientID, err)
		return "", false
	}
	return stored, true
}

// callbackNames are for the log.
var callbackNames = map[wire.Command]string{
	wire.OnConnect: "OnConnect", wire.OnMessage: "OnMessage", wire.OnClose: "OnClose",
	wire.OnWebSocketConnect: "OnWebSocketConnect",
}

// call calls the callback of an event.
func (p *business) call(e *Event, a *arrival) {
	b := p.b
	switch a.what {
	case wire.OnConnect:
		b.OnConnect(e)
	case wire.OnClose:
		b.OnClose(e)
	case wire.OnWebSocketConnect:
		if h, err := decodeHandshake(a.body); err != nil {
			worker.Log("BusinessWorker: the handshake of client %s: %v", e.ClientID, err)
		} else {
			b.OnWebSocketConnect(e, h)
		}
	case wire.OnMessage:
		p.message(e, a)
	}
}

func (p *business) message(e *Event, a *arrival) {
	b := p.b
	switch {
	case a.flag&wire.Scalar != 0 && b.OnMessage != nil:
		b.OnMessage(e, a.body)
	case a.flag&wire.Scalar != 0:
		b.OnValue(e, a.body)
	default:
		if v, err := phpserialize.Unmarshal(a.body); err != nil {
			worker.Log("BusinessWorker: a message of client %s: %v", e.ClientID, err)
		} else {
			b.OnValue(e, v)
		}
	}
}
