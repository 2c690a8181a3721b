package worker

import (
	"encoding/json"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Who is at both ends of a connection. Addresses are IP addresses without
// brackets (trap T51), and an IPv4 client of an IPv6 listener shows as IPv4.

// RemoteIP returns the peer's address as text: that of the client where a proxy
// of Limits.TrustedProxies has named it. Empty for Unix sockets, and until a
// dialled connection has found its address.
func (c *Connection) RemoteIP() string { return textOf(c.remote()) }

// RemotePort returns the peer's port, 0 for Unix sockets.
func (c *Connection) RemotePort() int { return int(c.port) }

// RemoteAddr returns the peer's address, also after the end; see RemoteIP.
func (c *Connection) RemoteAddr() net.Addr {
	if c.network == overUnix {
		return &net.UnixAddr{Net: "unix", Name: c.path()}
	}
	return c.network.addr(netip.AddrPortFrom(c.remote(), c.port))
}

// RemoteAddrPort is RemoteIP and RemotePort as one value, made without an
// allocation; its address is not valid where there is none.
func (c *Connection) RemoteAddrPort() netip.AddrPort {
	return netip.AddrPortFrom(c.remote(), c.port)
}

// LocalAddr returns our side's address; after the end it is the listener's, and
// nil where there is none.
func (c *Connection) LocalAddr() net.Addr {
	if s := c.handedConn(); s != nil {
		return s.LocalAddr()
	}
	if addr, err := localAddr(int(c.fd), c.network); err == nil {
		return addr
	}
	if c.Worker == nil {
		return nil
	}
	return c.Worker.Addr()
}

// LocalIP returns our side's address as text, empty for Unix sockets.
func (c *Connection) LocalIP() string { return textOf(addrPort(c.LocalAddr()).Addr()) }

// LocalPort returns our side's port, 0 for Unix sockets.
func (c *Connection) LocalPort() int { return int(addrPort(c.LocalAddr()).Port()) }

// IsIPv4 says whether the peer has an IPv4 address; false for Unix sockets.
func (c *Connection) IsIPv4() bool { return c.remote().Is4() }

// IsIPv6 says whether the peer has an IPv6 address; false for Unix sockets.
func (c *Connection) IsIPv6() bool { return c.remote().Is6() }

// Transport returns "tcp", "ssl", "unix" or "udp".
func (c *Connection) Transport() string { return c.network.String() }

// Fd returns the descriptor of the socket, -1 when there is none. It stays the
// connection's: reading, writing and closing it are not the caller's. For
// socket options.
func (c *Connection) Fd() int { return int(c.fd) }

// MarshalJSON describes the connection (features.md 16.24).
func (c *Connection) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID            uint64 `json:"id"`
		Status        string `json:"status"`
		Transport     string `json:"transport"`
		RemoteIP      string `json:"remote_ip"`
		RemotePort    int    `json:"remote_port"`
		RemoteAddress string `json:"remote_address"`
		LocalIP       string `json:"local_ip"`
		LocalPort     int    `json:"local_port"`
		LocalAddress  string `json:"local_address"`
		IsIPv4        bool   `json:"is_ipv4"`
		IsIPv6        bool   `json:"is_ipv6"`
	}{
		c.ID, c.Status().String(), c.Transport(),
		c.RemoteIP(), c.RemotePort(), c.RemoteAddr().String(),
		c.LocalIP(), c.LocalPort(), nameOf(c.LocalAddr()),
		c.IsIPv4(), c.IsIPv6(),
	})
}

// remote is the zero Addr where there is no IP address.
func (c *Connection) remote() netip.Addr {
	if c.ip == [16]byte{} {
		return netip.Addr{}
	}
	return netip.AddrFrom16(c.ip).Unmap()
}

// path is where a Unix socket was dialled.
func (c *Connection) path() string {
	if x := c.extra; x != nil && x.dial != nil {
		return x.dial.target.host
	}
	return ""
}

func textOf(ip netip.Addr) string {
	if !ip.IsValid() {
		return ""
	}
	return ip.String()
}

func nameOf(addr net.Addr) string {
	if addr == nil {
		return ""
	}
	return addr.String()
}

// addr writes an address as package net does.
func (n network) addr(a netip.AddrPort) net.Addr {
	if n == overUDP {
		return net.UDPAddrFromAddrPort(a)
	}
	return net.TCPAddrFromAddrPort(a)
}

// addrPort is the zero AddrPort for what is no IP address.
func addrPort(addr net.Addr) netip.AddrPort {
	switch addr := addr.(type) {
	case *net.TCPAddr:
		return unmapped(addr.AddrPort())
	case *net.UDPAddr:
		return unmapped(addr.AddrPort())
	}
	return netip.AddrPort{}
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// localAddr returns the address a socket is bound to.
func localAddr(fd int, n network) (net.Addr, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return nil, err
	}
	if sa, ok := sa.(*unix.SockaddrUnix); ok {
		return &net.UnixAddr{Net: "unix", Name: sa.Name}, nil
	}
	return n.addr(fromSockaddr(sa)), nil
}

// fromSockaddr is the zero AddrPort for what is no IP address.
func fromSockaddr(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return unmapped(netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port)))
	}
	return netip.AddrPort{}
}

// toSockaddr is the other way, with the zone of a link-local address.
func toSockaddr(a netip.AddrPort) unix.Sockaddr {
	ip := a.Addr()
	if ip.Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}
	}
	sa := &unix.SockaddrInet6{Port: int(a.Port()), Addr: ip.As16()}
	if zone := ip.Zone(); zone != "" {
		if link, err := net.InterfaceByName(zone); err == nil {
			sa.ZoneId = uint32(link.Index)
		}
	}
	return sa
}
