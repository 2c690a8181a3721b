package gateway

import (
	"net"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

const (
	// redial is how long a link that has closed waits (wire.md 3.3).
	redial = time.Second
	// early is the age below which the end of a link is the Gateway's refusal.
	early = 2 * time.Second
	// welcomeWait is after how long a Gateway that says nothing is one of PHP.
	welcomeWait = 200 * time.Millisecond
)

// uplink is the connection of this process to one Gateway process, over all its
// lives. Owned by the loop, but for box.
type uplink struct {
	t       *linkTable
	address string
	host    string // of it
	named   bool   // by a Register: it is dialled again
	conn    *worker.Connection

	standing bool
	since    time.Time // when this life began
	settled  bool      // it was welcomed, or nobody is going to
	wm       bool      // it was welcomed: the Gateway is of wm
	short    int       // lives in a row that ended early

	linked   bool     // it takes packets; guarded by t.mu
	box      outbox   // guarded by t.mu
	spare    []byte   // for box, when that is emptied
	flushed  []func() // who waits for a flush
	progress progress // guarded by t.mu
	sessions writes
	seats    map[uint32]*seat
	free     *seat // that is not used; nil: none
	under    int   // events that wait or are being handled

	farewell farewell
}

// dial begins the first life of a link.
func (t *linkTable) dial(address string) {
	l := &uplink{t: t, address: address, named: true, seats: make(map[uint32]*seat)}
	l.host, _, _ = net.SplitHostPort(address)
	t.links[address] = l
	c := worker.Dial("tcp://" + address)
	c.SetProtocol(uplinkPackets{})
	c.MaxPackageSize = wire.MaxPacketBytes
	c.MaxSendBufferSize = 2*t.limit + wire.MaxPacketBytes // t.send has refused before
	c.OnConnect = func(*worker.Connection) { l.stand() }
	c.OnMessage = func(_ *worker.Connection, data []byte) { l.receive(data) }
	c.OnClose = func(*worker.Connection) { l.fall() }
	c.OnBufferDrain = func(*worker.Connection) { t.measure(l) }
	c.OnError = func(_ *worker.Connection, code worker.ErrorCode, err error) {
		if code == worker.ConnectFail {
			l.complain("Gateway %s: %v", l.address, err)
		}
	}
	l.conn = c
}

// stand introduces this process, before anything else goes over the link.
func (l *uplink) stand() {
	keepWatch(l.conn)
	l.standing, l.since, l.settled, l.wm = true, l.t.now(), false, false
	hello := wire.WorkerHello{Key: l.t.p.key, Secret: l.t.p.b.SecretKey, WM: true}
	l.write(wire.Packet{Command: wire.WorkerConnect, Flag: wire.Scalar, Body: hello.Append(nil)})
	if l.t.p.queue.paused {
		l.conn.PauseRecv()
	}
	l.t.open(l)
	life := l.since
	l.t.p.loop.AddInnerTimer(welcomeWait, false, func() {
		if l.standing && l.since == life {
			l.settle(l.wm)
		}
	})
}

// settle is called when it is known whose Gateway this is.
func (l *uplink) settle(wm bool) {
	if wm {
		l.wm = true
		l.t.trust(l)
	}
	l.settled = true
	if l.t.p.leaving != nil {
		l.leave()
		return
	}
	l.t.p.checkReady()
}

// write puts a packet of the link itself on it, in front of what waits in box.
func (l *uplink) write(pk wire.Packet) {
	_ = l.conn.Send(pk.Append(nil)) // closed: fall follows
}

// receive is called with each packet, and each answer to a probe.
func (l *uplink) receive(data []byte) {
	if len(data) < wire.HeaderBytes {
		l.answered(data)
		return
	}
	pk, err := wire.Parse(data)
	if err != nil {
		l.complain("Gateway %s: %v", l.address, err)
		l.conn.Destroy()
		return
	}
	l.short = 0
	switch pk.Command {
	case wire.OnConnect, wire.OnMessage, wire.OnClose, wire.OnWebSocketConnect:
		l.t.p.arrive(l, pk)
	case wire.Welcome:
		l.settle(true)
	case wire.Drain:
		l.drained(pk.Flag)
	case wire.Drained:
		l.taken()
	}
}

// fall is the end of a life.
func (l *uplink) fall() {
	stood := l.standing
	l.standing = false
	l.t.shut(l)
	l.forgetWrites()
	l.sent()
	l.t.p.contexts.lost(l)
	if stood && l.t.now().Sub(l.since) < early {
		l.refused()
	}
	if l.t.p.leaving != nil {
		l.fallen()
		return
	}
	l.t.p.cluster.hangUp("the link to it is gone", l.address)
	if l.named {
		l.conn.Reconnect(redial)
	} else {
		l.t.drop(l)
	}
}

// refused is called when a Gateway has closed a link as soon as it stood. Once is
// no more than a Gateway that ends.
func (l *uplink) refused() {
	l.short++
	if l.short < 2 {
		return
	}
	l.complain("Gateway %s closes the link at once: its SecretKey is another one, or "+
		"another BusinessWorker of this host is called %s too", l.address, l.t.p.b.Name)
}

// complain logs a line, once in a while. A process that leaves does not mind.
func (l *uplink) complain(format string, a ...any) {
	if l.t.p.leaving == nil {
		l.t.said.log(l.address+format, "BusinessWorker: "+format, a...)
	}
}
