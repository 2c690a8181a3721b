package gateway

import (
	"math"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

// A PHP Gateway knows nothing of a BusinessWorker that leaves: it sends events until
// it reads the end of the link, and from then on the same clients go on with another
// process. What it has sent by then has to be handled before that is at work, so there
// is to be as little of it as can be: the link is ended when nothing waits here, and
// what comes until the Gateway has read the end is handled at once. What that sends
// must not overtake what went over the link, nor wait for its end. So the Gateway is
// asked on the link before, and its answer says that everything was done.

// hurryShare is how much of the StopTimeout, in percent, a link to PHP waits for a moment
// in which nothing waits, for the answer to its question, and for such a moment again.
const hurryShare = 20

// sideRetry is how long an attempt for the side connection waits for the next one.
const sideRetry = 20 * time.Millisecond

// ask sends the last packet of the link; answered is called with the answer.
func (l *uplink) ask() {
	l.t.drain()
	w, f := &l.sessions, &l.farewell
	f.stage, f.shut = asking, true
	l.t.p.loop.DelTimer(w.timer)
	w.asked = w.last
	l.question()
}

// sureNow is called when the Gateway has done everything that went over the link.
func (l *uplink) sureNow() {
	l.farewell.stage, l.farewell.sure = switched, true
	l.passAside()
	l.begin()
	l.t.p.checkLeft(l)
}

// hurry goes on with links that have waited for long enough.
func (p *business) hurry() {
	for _, l := range p.links.all() {
		switch l.farewell.stage {
		case finishing:
			l.ask()
		case asking, switched:
			l.halve()
		}
	}
}

// halve tells a PHP Gateway that nothing more comes over this link. It reads what
// was sent before, closes, and binds the clients anew; what it had sent by then
// comes before its end.
func (l *uplink) halve() {
	l.farewell.stage = halved
	l.conn.WhenSent(func(c *worker.Connection) {
		// An error says that the Gateway is gone: reading finds it out.
		_ = unix.Shutdown(c.Fd(), unix.SHUT_WR)
		c.ResumeRecv()
	})
}

// openSide opens a connection as those of the API have (wire.md 2.12), and asks over
// it: the answer says that the Gateway listens to it. The drain closes what it finds
// connecting, so that it may take a second time.
func (l *uplink) openSide() {
	p, f := l.t.p, &l.farewell
	if p.leaving.ended || f.stage == quiet {
		return
	}
	c := worker.Dial("tcp://" + l.address)
	c.MaxSendBufferSize = math.MaxInt // t.send has refused before
	c.OnConnect = func(c *worker.Connection) {
		keepWatch(c)
		hello := wire.Packet{Command: wire.IsOnline, Flag: wire.Scalar}
		_ = c.Send(hello.Append(clientLogin(p.b.SecretKey))) // closed: OnClose follows
	}
	c.OnMessage = func(c *worker.Connection, _ []byte) {
		f.side = c
		l.passAside()
		p.checkLeft(l)
	}
	c.OnBufferDrain = func(*worker.Connection) { l.t.measure(l) }
	c.OnClose = func(*worker.Connection) {
		f.side = nil
		p.loop.AddInnerTimer(sideRetry, false, l.openSide)
	}
}

// putAside sends what is for the Gateway past its link.
func (l *uplink) putAside(packets []byte) {
	l.farewell.aside = append(l.farewell.aside, packets...)
	l.passAside()
}

// passAside sends what waits for the side connection, and for the answer.
func (l *uplink) passAside() {
	f := &l.farewell
	if len(f.aside) == 0 || !f.sure || f.side == nil {
		return
	}
	if err := f.side.Send(f.aside); err != nil {
		worker.Log("BusinessWorker: %d bytes for Gateway %s are lost: %v",
			len(f.aside), l.address, err)
	}
	f.aside = f.aside[:0] // Send has copied it
}

// sideQueue is how much waits for the side connection.
func (l *uplink) sideQueue() int {
	n := len(l.farewell.aside)
	if c := l.farewell.side; c != nil {
		n += c.SendQueueSize()
	}
	return n
}

// endSide sends the rest.
func (l *uplink) endSide() {
	if len(l.farewell.aside) > 0 {
		l.deliver()
	}
	if l.farewell.side != nil {
		l.farewell.side.Close()
	}
}
