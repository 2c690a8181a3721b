package worker

import (
	"bytes"
	"fmt"
	"net/netip"
	"time"

	"github.com/workerman-go/wm/protocol/preamble"
)

const (
	defaultQueuedBytes      = 256 << 20
	defaultHandshakeTimeout = 10 * time.Second
)

// Limits bounds what one process of a Worker takes on; 0 is no limit unless a
// field says otherwise.
type Limits struct {
	// Connections is how many connections the Worker has at once in one
	// process. At the limit it stops accepting, so that new ones wait in the
	// listener's queue for another process, and goes on when one has closed.
	Connections int
	// ConnectionsPerIP is how many connections one IP address may have to this
	// Worker in one process; more are closed as soon as they are accepted,
	// without a callback. Proxies of TrustedProxies are not counted; the
	// clients whom they name are, and one too many is closed behind its PROXY
	// header, or its websocket handshake is refused with 429.
	ConnectionsPerIP int
	// QueuedBytes is how much backlog all connections of a process may have
	// together, in bytes, so that slow clients cannot exhaust its memory, which
	// grows by up to half as much again. Beyond half of it, Send to a
	// connection with more backlog than 16 KiB and a 64th of what is still free
	// fails with ErrBufferFull: many clients that do not read leave room for
	// those that do and have some backlog for a moment. It is that of the Worker
	// the process was started for. 0 is 256 MiB, below 0 is no limit.
	QueuedBytes int64
	// HandshakeTimeout is how long a connection may take over all that comes
	// before its first message: the PROXY header, TLS, the websocket
	// handshake. 0 is 10 s, below 0 is no limit.
	HandshakeTimeout time.Duration
	// RequestTimeout is how long the head of an http request may take from its
	// first byte to its last, and how long its body may pause. A client that
	// takes longer gets 408 and is closed, up to a second late. While a
	// connection waits for an answer, for ResumeRecv, or for something that its
	// protocol has to do, nobody counts. It is also how long a client may take
	// nothing of an answer that waits for it, a file too: then it is destroyed.
	// A stream in which nothing waits may be quiet for ever. A Handler bounds its
	// answers itself, by http.ResponseController. 0 is 60 s, below 0 is no limit.
	RequestTimeout time.Duration
	// IdleTimeout is how long an http connection may rest, before its first
	// request, too, until it is closed, up to a quarter of that late. 0 or less
	// is no limit, as in Workerman: a connection without a request costs little.
	IdleTimeout time.Duration
	// TrustedProxies lists the networks ("10.0.0.0/8") and addresses of
	// proxies that may say who the client is, and "unix" for all peers of a
	// Unix socket: by a PROXY protocol header, version 1 or 2, in front of
	// everything else, or by X-Forwarded-For or X-Real-IP. RemoteIP is then the
	// client's: of the connection for a PROXY header and a websocket, of each
	// request for http, in RemoteAddr for a Handler and in the AccessLog, too.
	// OnConnect of a connection from there runs when its first bytes have come.
	// Anybody else who begins with a PROXY header is closed. List no proxy that
	// passes on what clients say unchanged.
	TrustedProxies []string
}

// checkLimit closes or opens the door after a connection came or went.
func (w *Worker) checkLimit() {
	switch limit := w.Limits.Connections; {
	case w.listener == nil:
	case limit > 0 && w.conns.len() >= limit:
		w.listener.refuse(atLimit)
	default:
		w.listener.allow(atLimit)
	}
}

// admits says whether one more connection from ip may come in.
func (w *Worker) admits(ip [16]byte) bool {
	limit := w.Limits.ConnectionsPerIP
	return limit <= 0 || ip == [16]byte{} || w.perIP[ip] < limit || w.trusts(ip)
}

// entered adds an accepted connection.
func (w *Worker) entered(c *Connection) {
	w.conns.add(c, c.ID)
	w.count(c)
	w.checkLimit()
	w.watchIdle()
}

// count adds c to those of its IP address, once that is known; false when
// there are too many already.
func (w *Worker) count(c *Connection) bool {
	switch {
	case !w.admits(c.ip):
		return false
	case w.Limits.ConnectionsPerIP <= 0 || c.ip == [16]byte{} || w.trusts(c.ip):
		return true
	}
	if w.perIP == nil {
		w.perIP = make(map[[16]byte]int)
	}
	c.flags |= perIP
	w.perIP[c.ip]++
	return true
}

// left takes a closed connection out.
func (w *Worker) left(c *Connection) {
	w.conns.remove(c)
	if c.flags&perIP != 0 {
		if w.perIP[c.ip]--; w.perIP[c.ip] == 0 {
			delete(w.perIP, c.ip)
		}
	}
	w.checkLimit()
}

// trust reads Limits.TrustedProxies.
func (w *Worker) trust() error {
	w.proxies, w.trustsUnix = nil, false
	for _, s := range w.Limits.TrustedProxies {
		if s == "unix" {
			w.trustsUnix = true
			continue
		}
		network, err := parseNetwork(s)
		if err != nil {
			return fmt.Errorf("%s: Limits.TrustedProxies: %q is no IP address or network",
				w.address, s)
		}
		w.proxies = append(w.proxies, network)
	}
	return nil
}

func parseNetwork(s string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(s); err == nil {
		ip = ip.Unmap()
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	network, err := netip.ParsePrefix(s)
	const mapped = 96 // bits of ::ffff:0.0.0.0
	if ip := network.Addr(); ip.Is4In6() && network.Bits() >= mapped {
		network = netip.PrefixFrom(ip.Unmap(), network.Bits()-mapped)
	}
	return network, err
}

// trusts says whether a peer with this address may say who the client is; peers
// of Unix sockets have none.
func (w *Worker) trusts(ip [16]byte) bool {
	if w.network == overUnix && ip == [16]byte{} {
		return w.trustsUnix
	}
	return w.trustsAddr(netip.AddrFrom16(ip).Unmap())
}

func (w *Worker) trustsAddr(ip netip.Addr) bool {
	for _, network := range w.proxies {
		if network.Contains(ip) {
			return true
		}
	}
	return false
}

// spoofs says that what has come so far, data being the last of it, is a PROXY
// header which nobody may send here.
func (c *Connection) spoofs(data []byte) bool {
	head := data
	if c.extra != nil && c.extra.head != nil {
		head = append(c.extra.head, data...)
	}
	yes, maybe := preamble.Looks(head)
	if maybe {
		c.more().head = bytes.Clone(head)
		return false
	}
	c.flags &^= suspect
	if c.extra != nil {
		c.extra.head = nil
	}
	return yes
}

func (w *Worker) handshakeTimeout() time.Duration {
	if d := w.Limits.HandshakeTimeout; d != 0 {
		return d
	}
	return defaultHandshakeTimeout
}

const (
	// fairShare is the part of the free room that one connection may have.
	fairShare = 64
	// leastShare is what it may have as long as anything is free.
	leastShare = 16 << 10
)

// tooMuch says whether a connection that has n bytes of backlog may not have
// more. The more backlog there is, the less each may have, so that something
// always stays free: the dynamic thresholds of shared switch buffers.
func (p *Process) tooMuch(n int) bool {
	limit, used := p.queueLimit(), p.output.backlog
	return used >= limit || used > limit/2 && n > leastShare &&
		int64(n) >= (limit-used)/fairShare
}

// queueLimit is Limits.QueuedBytes of the process.
func (p *Process) queueLimit() int64 {
	switch n := p.w.Limits.QueuedBytes; {
	case n > 0:
		return n
	case n < 0:
		return 1<<63 - 1
	}
	return defaultQueuedBytes
}
