package load

import (
	"bytes"
	"fmt"
	"net/netip"
)

// Sessions is HTTP for clients that have a session each. Each of them asks
// once to be given the cookie.
func Sessions(server netip.AddrPort, clients int) (Talk, error) {
	t, err := HTTP(server)
	if err != nil {
		return t, err
	}
	for range clients {
		cookie, err := newCookie(server, t.Request)
		if err != nil {
			return t, err
		}
		t.Own = append(t.Own, fmt.Appendf(nil,
			"GET / HTTP/1.1\r\nHost: bench\r\nCookie: %s\r\n\r\n", cookie))
	}
	t.Request = t.Own[0]
	l, err := dial(server, Talk{})
	if err != nil {
		return t, err
	}
	defer l.close()
	t.Reply, err = ask(&l, t.Request, wholeHTTP)
	if err == nil && bytes.Contains(t.Reply, []byte("Set-Cookie")) {
		err = fmt.Errorf("%v does not know its own cookie: %q", server, t.Reply)
	}
	return t, err
}

// newCookie is the cookie, name and value, that answers a request without one.
func newCookie(server netip.AddrPort, request []byte) ([]byte, error) {
	l, err := dial(server, Talk{})
	if err != nil {
		return nil, err
	}
	defer l.close()
	got, err := ask(&l, request, wholeHTTP)
	if err != nil {
		return nil, err
	}
	_, cookie, found := bytes.Cut(got, []byte("\r\nSet-Cookie: "))
	if !found {
		return nil, fmt.Errorf("no cookie in %q", got)
	}
	if end := bytes.IndexAny(cookie, ";\r"); end >= 0 {
		cookie = cookie[:end]
	}
	return bytes.Clone(cookie), nil
}
