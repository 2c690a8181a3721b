package worker

import (
	"crypto/tls"
	"net/http"
	"slices"
	"time"

	"github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/tlsengine"
)

// defaultDialTimeout is what a connection has from Connect to the end of its
// handshake.
const defaultDialTimeout = 10 * time.Second

// minReconnect is how long Reconnect waits at least behind an attempt that did
// not succeed, so that a peer that is down does not keep the loop busy (T55).
const minReconnect = 100 * time.Millisecond

// Dialer says how to reach somebody. Its zero value is what the function Dial
// uses. It may be used for many connections; each gets a copy.
type Dialer struct {
	// Transport is "tcp", "ssl", "unix" or "udp" when it does not follow from
	// the scheme: "ssl" puts TLS below any protocol.
	Transport string
	// TLS is for transport ssl. CertFile and KeyFile are shown to servers that
	// ask for a certificate; Config is everything else, such as RootCAs. The
	// server's name is that of the address unless Config has one.
	TLS TLS
	// BindTo is the local address, "192.0.2.1:0".
	BindTo string
	// Timeout is for finding the address, connecting, proxies, TLS and the
	// websocket handshake together. 0 is 10 s.
	Timeout time.Duration
	// Socks5 and HTTPProxy are proxies to go through, by SOCKS5 (RFC 1928) or
	// CONNECT; Socks5 beats HTTPProxy. They resolve the name of the address.
	Socks5, HTTPProxy Proxy
	// Header has more headers for the upgrade request of ws, such as Origin.
	Header http.Header
	// Subprotocols are offered by ws, the one liked best first.
	Subprotocols []string
	// PingInterval is the time between two pings of ws. 0: none are sent.
	PingInterval time.Duration
}

// Proxy is where to find a proxy, "192.0.2.1:1080", and who asks. With an empty
// Addr there is no proxy; with an empty User nobody is named.
type Proxy struct{ Addr, User, Password string }

// Dial makes a connection to somebody, scheme://host:port, with tcp, ssl, unix,
// udp, text, frame, ws, wss, or the scheme of a registered protocol. It never
// blocks or fails: it connects when the current callback has returned, so that
// callbacks set on the result meanwhile count. OnConnect tells of success.
// Otherwise OnError gets ConnectFail and the reason, and OnClose follows. What
// is sent before counts as backlog and goes out when the connection stands.
// Called on the loop goroutine, from OnWorkerStart on.
func Dial(address string) *Connection { return new(Dialer).Dial(address) }

// Dial is the function Dial with the settings of d.
func (d *Dialer) Dial(address string) *Connection {
	p := current.Load()
	if p == nil {
		panic("worker: Dial " + address + ": there is no loop yet; dial from OnWorkerStart on")
	}
	p.own("Dial")
	t, err := parseTarget(address, d.Transport)
	x := &dial{with: d.copy(), target: t, err: err}
	c := p.newConnection(p.codecOf(t.proto, t.codec), t.network)
	p.lastID++
	c.ID, c.extra = p.lastID, &extra{dial: x}
	c.revive()
	p.loop.Post(func() {
		if Status(c.status) == Initial {
			c.connect()
		}
	})
	return c
}

// copy is d as it is now: what is changed afterwards is for the next connection.
func (d *Dialer) copy() Dialer {
	with := *d
	with.Header, with.Subprotocols = d.Header.Clone(), slices.Clone(d.Subprotocols)
	return with
}

// Connect connects now instead of when the current callback has returned, and
// a connection that has ended once more. Called on the loop goroutine, on
// dialled connections.
func (c *Connection) Connect() {
	c.p.own("Connection.Connect")
	switch {
	case !c.Dialled():
		return
	case Status(c.status) == Initial:
		c.connect()
	case Status(c.status) == Closed:
		c.Reconnect(0)
	}
}

// Reconnect connects once more, after a delay: usually in OnClose. An open
// connection is destroyed first, a delay under way is forgotten. Callbacks, ID
// and counters stay, OnConnect is called again. After an attempt that failed it
// waits 100 ms at least. A process that is told to leave connects no more.
// Called on the loop goroutine, on dialled connections.
func (c *Connection) Reconnect(after time.Duration) {
	c.p.own("Connection.Reconnect")
	if !c.Dialled() {
		c.p.logf("connection %d: Reconnect is for dialled connections", c.ID)
		return
	}
	c.CancelReconnect()
	d := c.extra.dial
	d.again, d.after = true, max(after, 0)
	switch {
	case Status(c.status) != Closed:
		c.destroy()
	case !d.ending:
		c.comeBack()
	}
}

// CancelReconnect forgets a Reconnect whose delay is not over. Called on the
// loop goroutine.
func (c *Connection) CancelReconnect() {
	c.p.own("Connection.CancelReconnect")
	if c.extra == nil || c.extra.dial == nil {
		return
	}
	d := c.extra.dial
	d.again = false
	if d.timer != 0 {
		c.p.loop.DelTimer(d.timer)
		d.timer = 0
	}
}

// RemoteHost returns the host that was dialled, as in the address; empty for
// accepted connections.
func (c *Connection) RemoteHost() string {
	if c.extra == nil || c.extra.dial == nil {
		return ""
	}
	return c.extra.dial.target.host
}

// RemoteURI returns the path and query of the address that was dialled.
func (c *Connection) RemoteURI() string {
	if c.extra == nil || c.extra.dial == nil {
		return ""
	}
	return c.extra.dial.target.uri
}

func (d *Dialer) timeout() time.Duration { return positive(d.Timeout, defaultDialTimeout) }

// clientTLS is what a client needs to speak to host.
func (d *Dialer) clientTLS(host string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if d.TLS.Config != nil {
		config = d.TLS.Config
	}
	config = tlsengine.Prepare(config)
	if config.ServerName == "" {
		config.ServerName = host
	}
	if d.TLS.CertFile == "" {
		return config, nil
	}
	key := d.TLS.KeyFile
	if key == "" {
		key = d.TLS.CertFile
	}
	pair, err := tls.LoadX509KeyPair(d.TLS.CertFile, key)
	config.Certificates = append(slices.Clip(config.Certificates), pair)
	return config, err
}

// request is what the websocket handshake of a dialled connection asks for.
func (d *dial) request() *websocket.Request {
	return &websocket.Request{
		Host: d.target.hostHeader(), Path: d.target.uri,
		Header: d.with.Header, Subprotocols: d.with.Subprotocols,
	}
}
