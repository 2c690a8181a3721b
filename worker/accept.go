package worker

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/protocol/preamble"
)

const (
	// maxAccepts is how many connections one event may bring, so that a
	// burst is shared with the other processes.
	maxAccepts = 16
	// acceptPause is how long a process without descriptors waits.
	acceptPause = time.Second
)

// reason says why a listener does not accept; there may be several.
type reason uint8

const (
	notReady    reason = 1 << iota
	byAuthor           // PauseAccept
	atLimit            // Limits.Connections
	noResources        // out of descriptors or memory
)

// listener accepts the connections of one Worker. Owned by the loop.
type listener struct {
	w       *Worker
	fd      int
	reasons reason // not to accept
	watched bool
	peer    peer
	six     bool // the socket is of IPv6
}

// newListener takes over fd; it accepts once allow has taken away the last
// reason not to.
func newListener(w *Worker, fd int) *listener {
	// Accepted sockets inherit it: no call for each of them. An error says
	// that this is no TCP socket.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	l := &listener{w: w, fd: fd, reasons: notReady}
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	l.six = err == nil && domain == unix.AF_INET6
	if w.paused {
		l.reasons |= byAuthor
	}
	return l
}

// refuse stops accepting for one more reason.
func (l *listener) refuse(why reason) {
	l.reasons |= why
	l.lentToo(func(other *listener) { other.refuse(why) })
	if l.unwatch() {
		l.w.p.env.Paused()
	}
}

// allow takes a reason away.
func (l *listener) allow(why reason) {
	l.reasons &^= why
	l.lentToo(func(other *listener) { other.allow(why) })
	if l.reasons != 0 || l.watched {
		return
	}
	if err := l.w.p.loop.WatchListener(l.fd, l); err != nil {
		l.w.p.logf("accept: %v", err)
		return
	}
	l.watched = true
}

// unwatch reports whether there was something to end.
func (l *listener) unwatch() bool {
	was := l.watched
	if was {
		l.watched = false
		l.w.p.unwatch(l.fd)
	}
	return was
}

// OnEvents is called by the loop when clients, or datagrams, wait.
func (l *listener) OnEvents(eventloop.Events) { l.round() }

// round accepts what waits, within bounds.
func (l *listener) round() {
	if l.w.network == overUDP {
		l.receive()
		return
	}
	accepted := 0
	for accepted < maxAccepts && l.watched && l.one() {
		accepted++
	}
	if accepted > 0 && l.watched && l.w.Count > 1 {
		// The kernel wakes the listener that was added last: without this
		// one process would get all.
		if err := l.w.p.loop.RequeueListener(l.fd); err != nil {
			l.w.p.logf("accept: %v", err)
		}
	}
}

// one accepts a connection and serves it; false when there is none.
func (l *listener) one() bool {
	for {
		fd, errno := sysAccept(l.fd, &l.peer)
		switch errno {
		case 0:
			l.w.p.open(l.w, fd, &l.peer)
			return true
		case unix.EINTR, unix.ECONNABORTED: // that client is gone, the next one may wait
			continue
		case unix.EAGAIN:
			return false
		}
		l.fail(errno)
		return false
	}
}

// fail pauses accepting: with level triggered events, a listener that cannot
// accept would keep the loop turning.
func (l *listener) fail(errno syscall.Errno) {
	p := l.w.p
	p.logf("accept: %v; trying again in %v", errno, acceptPause)
	l.refuse(noResources)
	p.loop.AddInnerTimer(acceptPause, false, func() {
		if l.w.listener == l || l.w.lent.has(l) {
			l.allow(noResources)
		}
	})
}

// leave stops accepting for good: first nobody is woken for this process any
// more, then those that already wait are taken in, then the socket goes. That
// of udp stays for the answers to what has been read.
func (l *listener) leave() {
	l.w.listener = nil
	if l.w.network == overUDP {
		l.unwatch()
		l.w.former = l
		return
	}
	if l.unwatch() {
		l.takeIn()
	}
	l.close()
}

// takeIn accepts everybody who waits.
func (l *listener) takeIn() {
	for l.w.network != overUDP && l.reasons == 0 && l.one() {
	}
}

func (l *listener) close() {
	l.unwatch()
	l.w.listener = nil
	if err := unix.Close(l.fd); err != nil {
		l.w.p.logf("close listener: %v", err)
	}
}

// open makes a connection of an accepted socket and serves it.
func (p *Process) open(w *Worker, fd int, from *peer) {
	ip, port := from.address()
	if !w.admits(ip) {
		unix.Close(fd)
		return
	}
	p.lastID++
	c := p.newConnection(w.codec, w.network)
	c.ID, c.Worker, c.Callbacks = p.lastID, w, w.Callbacks
	c.fd, c.ip, c.port = int32(fd), ip, port
	proxied := w.trusts(ip)
	if w.Handler == nil || proxied { // else the loop never reads of it
		if err := p.loop.Watch(fd, eventloop.Readable, (*socket)(c)); err != nil {
			p.logf("accept: %v", err)
			unix.Close(fd)
			return
		}
	}
	w.entered(c)
	p.counters.connections++
	if proxied || c.network == overTLS || c.codec.hand != nil {
		c.expect(w.handshakeTimeout(), c.lateAccepted)
	}
	if proxied {
		c.status = uint8(Connecting)
		c.preface(new(preamble.Header))
		return
	}
	if len(w.proxies) > 0 && c.network != overTLS { // no handshake begins like one
		c.flags |= suspect
	}
	c.welcome()
}

// newConnection makes one with the limits of Settings.
func (p *Process) newConnection(k *codec, n network) *Connection {
	return &Connection{
		MaxSendBufferSize: positive(Settings.MaxSendBufferSize, defaultMaxSendBuffer),
		MaxPackageSize:    positive(Settings.MaxPackageSize, defaultMaxPackage),
		p:                 p, codec: k, network: n, fd: -1, since: p.seconds(),
	}
}

// unwatch ends the watching of a descriptor that this process watches.
func (p *Process) unwatch(fd int) {
	if err := p.loop.Unwatch(fd); err != nil {
		p.logf("%v", err)
	}
}
