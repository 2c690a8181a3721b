package worker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/protocol/preamble"
)

// find learns the addresses to try, and reads certificates, off the loop; an IP
// address needs no turn of worker.Go, whose places may all be taken.
func (c *Connection) find() {
	d := c.extra.dial
	if d.target.network == overUnix {
		c.later(func() { c.tried(c.try(&unix.SockaddrUnix{Name: d.target.host})) })
		return
	}
	host, port, err := d.hop()
	if err != nil {
		c.later(func() { c.connectFailed(err) })
		return
	}
	if _, err := netip.ParseAddr(host); err == nil && d.with.TLS.CertFile == "" {
		r, err := d.prepare(d.ctx, host) // nothing of it blocks
		c.later(func() { c.follow(r, port, err) })
		return
	}
	Go(d.ctx, func(ctx context.Context) (route, error) {
		return d.prepare(ctx, host)
	}, func(r route, err error) {
		if Status(c.status) == Connecting {
			c.follow(r, port, err)
		}
	})
}

// follow tries what find has learned.
func (c *Connection) follow(r route, port uint16, err error) {
	if err != nil {
		c.connectFailed(err)
		return
	}
	d := c.extra.dial
	d.tls = r.tls
	for _, ip := range r.ips {
		d.found = append(d.found, netip.AddrPortFrom(ip.Unmap(), port))
	}
	c.tried(errNoAddress)
}

// route is what find has learned.
type route struct {
	ips []netip.Addr
	tls *tls.Config // nil without TLS
}

var errNoAddress = errors.New("the name has no address")

// hop is where the first connection goes: to a proxy or to the target.
func (d *dial) hop() (host string, port uint16, err error) {
	addr := d.proxy()
	if addr == "" {
		return d.target.host, d.target.port, nil
	}
	if d.target.network == overUDP {
		return "", 0, errors.New("udp does not go through proxies")
	}
	if err := preamble.Err(d.negotiation()); err != nil {
		return "", 0, err
	}
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("proxy: %w", err)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("proxy %s: malformed port", addr)
	}
	return host, uint16(n), nil
}

// proxy is where it is, or empty.
func (d *dial) proxy() string {
	if addr := d.with.Socks5.Addr; addr != "" {
		return addr
	}
	return d.with.HTTPProxy.Addr
}

// prepare does what may block. It runs off the loop and changes nothing.
func (d *dial) prepare(ctx context.Context, host string) (r route, err error) {
	if d.target.network == overTLS {
		if r.tls, err = d.with.clientTLS(d.target.host); err != nil {
			return r, err
		}
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		r.ips = []netip.Addr{ip}
		return r, nil
	}
	r.ips, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	return r, err
}
