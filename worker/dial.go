package worker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/protocol/preamble"
	"github.com/workerman-go/wm/protocol/websocket"
)

// dial is what a dialled connection knows beyond an accepted one.
type dial struct {
	with   Dialer
	target target
	err    error // of the address

	began   time.Time
	ctx     context.Context // of this attempt
	stop    context.CancelFunc
	found   []netip.AddrPort // still to be tried
	tls     *tls.Config
	stood   bool     // this attempt got through
	packets [][]byte // datagrams sent before it did
	held    int      // bytes of them

	ping   eventloop.TimerID
	turn   eventloop.TimerID // of one of several addresses
	timer  eventloop.TimerID // of Reconnect
	again  bool              // Reconnect was called, its delay has not begun
	after  time.Duration
	ending bool // finish is at work
}

// What ends an attempt.
var (
	errLate   = errors.New("no answer in time")
	errHungUp = errors.New("the peer has closed the connection")
)

// revive makes c a connection that has not connected yet.
func (c *Connection) revive() {
	c.status = uint8(Initial)
	c.flags = opening
	if c.network == overUDP {
		c.flags |= datagram
	}
	c.errno = 0
	c.resetState()
	c.ip, c.port = [16]byte{}, 0
	c.since = c.p.seconds()
	c.extra.tls, c.extra.header = nil, nil
	c.extra.ctx, c.extra.cancel = nil, nil
	c.p.enrolled++
	c.p.dialled.add(c, c.p.enrolled)
	c.p.counters.connections++
}

// resetState lets the protocol begin anew. A websocket client has to know what
// its handshake asks for.
func (c *Connection) resetState() {
	c.state, c.need = nil, 0
	if c.Dialled() && isA(c.codec.proto, websocket.Protocol) {
		c.state = c.extra.dial.request()
	}
}

// connect begins an attempt. Nothing is called back before the next turn.
func (c *Connection) connect() {
	d := c.extra.dial
	c.status = uint8(Connecting)
	d.began, d.stood, d.tls = c.p.loop.Now(), false, nil
	d.ctx, d.stop = context.WithTimeout(context.Background(), d.with.timeout())
	c.expect(d.with.timeout(), func() {
		c.extra.deadline = 0
		c.connectFailed(errLate)
	})
	if d.err != nil {
		c.later(func() { c.connectFailed(d.err) })
		return
	}
	c.find()
}

// later runs fn in the next turn, unless this attempt is over by then.
func (c *Connection) later(fn func()) {
	ctx := c.extra.dial.ctx
	c.p.loop.Post(func() {
		if ctx == c.extra.dial.ctx && Status(c.status) == Connecting {
			fn()
		}
	})
}

// tried goes on to the next address after err, nil being that the last try is
// under way.
func (c *Connection) tried(err error) {
	d := c.extra.dial
	for err != nil && len(d.found) > 0 {
		next := d.found[0]
		d.found = d.found[1:]
		if err = c.try(toSockaddr(next)); err == nil {
			c.ip, c.port = next.Addr().As16(), next.Port()
		}
	}
	if err != nil {
		c.connectFailed(err)
	}
}

// try begins to connect to one address.
func (c *Connection) try(to unix.Sockaddr) error {
	d := c.extra.dial
	fd, err := dialSocket(to, c.network == overUDP, d.with.BindTo)
	if err != nil {
		return err
	}
	if err = unix.Connect(fd, to); err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return err
	}
	if err = c.p.loop.Watch(fd, eventloop.Writable, (*connecting)(c)); err != nil {
		unix.Close(fd)
		return err
	}
	c.fd = int32(fd)
	d.share(c)
	return nil
}

// share bounds this try, so that an address that does not answer leaves time for
// those behind it.
func (d *dial) share(c *Connection) {
	if len(d.found) == 0 {
		return
	}
	left := d.with.timeout() - c.p.loop.Now().Sub(d.began)
	d.turn = c.p.loop.AddInnerTimer(left/time.Duration(len(d.found)+1), false, func() {
		d.turn = 0
		c.p.unwatch(int(c.fd))
		c.giveUp(errLate)
	})
}

// giveUp closes the socket of a try and goes on.
func (c *Connection) giveUp(err error) {
	unix.Close(int(c.fd))
	c.fd = -1
	c.tried(err)
}

// connecting is how the loop sees a connection whose socket does not stand yet.
type connecting Connection

// OnEvents is called by the loop when the kernel knows.
func (s *connecting) OnEvents(eventloop.Events) {
	c := (*Connection)(s)
	c.p.unwatch(int(c.fd))
	if d := c.extra.dial; d.turn != 0 {
		c.p.loop.DelTimer(d.turn)
		d.turn = 0
	}
	errno, err := unix.GetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = syscall.Errno(errno)
	}
	if err == nil {
		err = c.p.loop.Watch(int(c.fd), eventloop.Readable, c.source())
	}
	if err != nil {
		c.giveUp(err)
		return
	}
	if pre := c.extra.dial.negotiation(); pre != nil {
		c.preface(pre)
		return
	}
	c.proceed()
}

// negotiation is what a proxy is asked; nil without one.
func (d *dial) negotiation() preamble.Preamble {
	to, socks, http := d.target, d.with.Socks5, d.with.HTTPProxy
	switch {
	case socks.Addr != "":
		return preamble.SOCKS5(to.host, to.port, socks.User, socks.Password)
	case http.Addr != "":
		return preamble.Connect(to.host, to.port, http.User, http.Password)
	}
	return nil
}

// source is how the loop sees the connection from now on.
func (c *Connection) source() eventloop.Source {
	if c.flags&datagram != 0 {
		return (*packets)(c)
	}
	return (*socket)(c)
}

// proceed goes on when there is a way to the target.
func (c *Connection) proceed() {
	if c.network == overTLS {
		c.secure(c.extra.dial.tls)
		return
	}
	c.stand()
}

// stand is the moment of OnConnect; the protocol speaks next (features.md
// 19.21), and what was sent early follows.
func (c *Connection) stand() {
	c.status = uint8(Established)
	c.extra.dial.stood = true
	if c.waiting() == 0 && c.codec.open == nil {
		c.flags &^= opening
	}
	c.onConnect()
	if Status(c.status) == Established && c.codec.open != nil {
		c.hail()
	}
	if Status(c.status) == Closed {
		return
	}
	if c.flags&opening != 0 {
		c.release()
	}
	c.checkOpened()
	if c.in != nil { // came behind the answer of a proxy
		c.flags |= resumed
		c.queue()
	}
}

// hail sends what the protocol says first, in front of all that was sent.
func (c *Connection) hail() {
	early, waited := c.out, c.flags&(opening|holding)
	c.out = nil
	c.flags &^= opening | holding // it is not refused for what they stand for
	c.openProtocol()
	if Status(c.status) == Closed {
		c.p.output.pool.put(early)
		return
	}
	if early.size() == 0 && waited&holding == 0 {
		return // it goes out like everything else
	}
	c.flags |= waited
	if early.size() == 0 {
		return
	}
	b := c.room(early.size())
	b.data = append(b.data, early.bytes()...)
	c.p.output.pool.put(early)
}

// connectFailed is the end of an attempt (features.md 19.8): OnError, OnClose.
func (c *Connection) connectFailed(err error) {
	d := c.extra.dial
	took := c.p.loop.Now().Sub(d.began).Round(time.Millisecond)
	switch via := d.proxy(); {
	case d.err != nil: // it begins with the address
		err = fmt.Errorf("connect %w", d.err)
	case via != "":
		err = fmt.Errorf("connect %s via %s: %w (after %v)", &d.target, via, err, took)
	default:
		err = fmt.Errorf("connect %s: %w (after %v)", &d.target, err, took)
	}
	d.stood = false // so that Reconnect does not spin
	if Status(c.status) < Ending {
		c.onError(ConnectFail, err)
	}
	c.finish()
}

// end stops what an attempt has under way.
func (d *dial) end(loop *eventloop.Loop) {
	d.ending = true
	d.found, d.packets, d.held = nil, nil, 0
	if d.stop != nil {
		d.stop()
	}
	for _, id := range []*eventloop.TimerID{&d.ping, &d.turn} {
		if *id != 0 {
			loop.DelTimer(*id)
			*id = 0
		}
	}
}

// comeBack does what Reconnect asked for, once the connection is closed.
func (c *Connection) comeBack() {
	d := c.extra.dial
	d.ending = false
	if !d.again || c.p.drain.on {
		return
	}
	d.again = false
	if !d.stood {
		d.after = max(d.after, minReconnect)
	}
	d.timer = c.p.loop.AddInnerTimer(d.after, false, func() {
		d.timer = 0
		if Status(c.status) == Closed && !c.p.drain.on {
			c.revive()
			c.connect()
		}
	})
}
