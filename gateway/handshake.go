package gateway

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/protocol/http1"
)

// handshakeBody is what BusinessWorkers are told of the upgrade request of a
// websocket client, serialised: the arrays get, server and cookie with the keys and in
// the order of wire.md 2.11.
func handshakeBody(r *http1.Request, remote netip.AddrPort, localPort int) []byte {
	headers := handshakeHeaders(r.RawHead())
	body, err := phpserialize.Marshal(phpserialize.ArrayOf(
		"get", handshakeGet(r),
		"server", handshakeServer(r, headers, remote, localPort),
		"cookie", handshakeCookies(headers.Get("cookie"))))
	if err != nil { // no value of it can be refused
		panic(err)
	}
	return body
}

// handshakeHeaders are the headers by their names in lower case; values of one name
// are joined by a comma.
func handshakeHeaders(head []byte) *phpserialize.Array {
	headers := phpserialize.NewArray()
	_, lines, _ := bytes.Cut(head, []byte("\r\n"))
	for line := range bytes.SplitSeq(lines, []byte("\r\n")) {
		name, value, ok := bytes.Cut(line, []byte{':'})
		if !ok {
			continue
		}
		key, text := strings.ToLower(string(name)), strings.Trim(string(value), " \t")
		if before, again := headers.Get(key).(string); again {
			text = before + "," + text
		}
		headers.Set(key, text)
	}
	return headers
}

// handshakeGet is the query, as $_GET has it.
func handshakeGet(r *http1.Request) *phpserialize.Array {
	get := phpserialize.NewArray()
	r.EachQuery(func(keys []string, value string) {
		at := get
		last := len(keys) - 1
		for _, key := range keys[:last] {
			inner, ok := at.Get(key).(*phpserialize.Array)
			if !ok {
				at.Set(key, phpserialize.NewArray())
				inner = at.Get(key).(*phpserialize.Array)
			}
			at = inner
		}
		at.Set(keys[last], value)
	})
	return get
}

// handshakeServer is $_SERVER.
func handshakeServer(
	r *http1.Request, headers *phpserialize.Array, remote netip.AddrPort, localPort int,
) *phpserialize.Array {
	ip := ""
	if remote.Addr().IsValid() { // not of a Unix socket
		ip = remote.Addr().String()
	}
	server := phpserialize.ArrayOf(
		"QUERY_STRING", r.QueryString(),
		"REQUEST_METHOD", r.Method(),
		"REQUEST_URI", r.URI(),
		"SERVER_PROTOCOL", "HTTP/"+r.ProtocolVersion(),
		"SERVER_NAME", headers.Get("host"),
		"CONTENT_TYPE", headers.Get("content-type"),
		"REMOTE_ADDR", ip,
		"REMOTE_PORT", int(remote.Port()),
		"SERVER_PORT", localPort)
	for key, value := range headers.All() {
		name := strings.ReplaceAll(strings.ToUpper(key.String()), "-", "_")
		server.Set("HTTP_"+name, value)
	}
	return server
}

// handshakeCookies splits the Cookie header: values are neither decoded nor trimmed,
// and of a name the last one counts.
func handshakeCookies(header any) *phpserialize.Array {
	cookies := phpserialize.NewArray()
	text, _ := header.(string)
	for part := range strings.SplitSeq(text, ";") {
		if name, value, ok := strings.Cut(part, "="); ok {
			cookies.Set(strings.TrimSpace(name), value)
		}
	}
	return cookies
}
