package listen

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// ParseHost turns host:port into an address, the same for all spellings of it.
// No name and * are all of IPv4, and localhost is its loopback; any other name
// is an error.
func ParseHost(host string) (netip.AddrPort, error) {
	name, service, err := net.SplitHostPort(host)
	if err != nil {
		var bad *net.AddrError
		if errors.As(err, &bad) {
			err = errors.New(bad.Err)
		}
		return netip.AddrPort{}, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("port %q is not a number from 0 to 65535", service)
	}
	ip, err := resolve(name)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(port)), nil
}

// resolve knows no names but localhost: a resolver that does not answer would
// hold up the master, and a listener belongs to an address of this machine.
func resolve(name string) (netip.Addr, error) {
	switch name {
	case "", "*":
		return netip.IPv4Unspecified(), nil
	case "localhost":
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip, nil
	}
	return netip.Addr{}, fmt.Errorf("%q is no IP address", name)
}

func socketAddress(address netip.AddrPort) (family int, sockaddr unix.Sockaddr, err error) {
	ip, port := address.Addr(), int(address.Port())
	if ip.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: port, Addr: ip.As4()}, nil
	}
	six := &unix.SockaddrInet6{Port: port, Addr: ip.As16()}
	if zone := ip.Zone(); zone != "" {
		link, err := net.InterfaceByName(zone)
		if err != nil {
			return 0, nil, fmt.Errorf("no interface %q", zone)
		}
		six.ZoneId = uint32(link.Index)
	}
	return unix.AF_INET6, six, nil
}
