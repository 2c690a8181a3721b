package worker

import (
	"net/http"
	"net/netip"
	"strings"
)

// A proxy that speaks http to this Worker names the client in each request, by
// X-Forwarded-For or X-Real-IP. Its connection serves many clients, so that the
// connection keeps the address of the proxy, but for that of a websocket.

// Proxied is protocol.Proxied: the peer is one of Limits.TrustedProxies. For
// protocols.
func (c *Connection) Proxied() bool { return c.Worker != nil && c.Worker.trusts(c.ip) }

// Forwarded is protocol.Proxied: who has asked, by what the proxy says. For
// protocols.
func (c *Connection) Forwarded(list string) netip.AddrPort {
	if from, ok := c.Worker.forwarded(list); ok {
		return from
	}
	return netip.AddrPortFrom(c.remote(), c.port)
}

// forwarded is the last address in what trusted proxies wrote that is not a
// trusted proxy itself.
func (w *Worker) forwarded(list string) (from netip.AddrPort, ok bool) {
	for list != "" {
		i := strings.LastIndexByte(list, ',')
		named, valid := parseForwarded(strings.TrimSpace(list[i+1:]))
		if !valid {
			break
		}
		if from, ok = named, true; !w.trustsAddr(named.Addr()) {
			break
		}
		list = list[:max(i, 0)]
	}
	return from, ok
}

// parseForwarded reads an address as proxies write it: 192.0.2.1, 192.0.2.1:80,
// 2001:db8::1, [2001:db8::1] or [2001:db8::1]:80. The port is 0 where there is
// none.
func parseForwarded(s string) (from netip.AddrPort, ok bool) {
	from, err := netip.ParseAddrPort(s)
	if err != nil {
		if inner, found := strings.CutPrefix(s, "["); found {
			s = strings.TrimSuffix(inner, "]")
		}
		var ip netip.Addr
		ip, err = netip.ParseAddr(s)
		from = netip.AddrPortFrom(ip, 0)
	}
	from = unmapped(from)
	return from, err == nil && !from.Addr().IsUnspecified()
}

// name has RemoteAddr of a Handler's request be that of the client. Any
// goroutine.
func (h *handling) name(r *http.Request) {
	w := h.worker
	if len(w.proxies) == 0 && !w.trustsUnix {
		return
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if trusted := err == nil && w.trustsAddr(peer.Addr().Unmap()); !trusted {
		if err == nil || w.network != overUnix || !w.trustsUnix {
			return
		}
	}
	lines := r.Header.Values("X-Forwarded-For")
	if len(lines) == 0 {
		lines = r.Header.Values("X-Real-Ip")
	}
	if from, ok := w.forwarded(strings.Join(lines, ",")); ok {
		r.RemoteAddr = from.String()
	}
}
