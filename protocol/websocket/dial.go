package websocket

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/workerman-go/wm/protocol"
)

// What ends a dialled connection before it is open.
var (
	errNoReply    = refusal("the answer is not HTTP/1.1")
	errLargeReply = refusal("the answer has no end within 16 KiB")
	errBadReply   = refusal("the answer has a malformed header line")
	errNoUpgrade  = refusal("the answer does not upgrade to websocket")
	errAccept     = refusal("Sec-WebSocket-Accept does not belong to the key that was sent")
	errNotOffered = refusal("the server chose a subprotocol that was not offered")
	errExtension  = refusal("the server chose an extension that was not offered")
)

func refusal(why string) error {
	return fmt.Errorf("%w: websocket: %s", protocol.ErrBad, why)
}

// OnConnect sends the handshake of a dialled connection, wire.md 6.5.
func (p *websocket) OnConnect(c protocol.Conn) {
	if !c.Dialled() {
		return
	}
	o := openingOf(c)
	if o.request == nil {
		o.request = &Request{}
	}
	o.key = newKey()
	// An error says that the connection is closed already.
	_ = c.SendRaw(p.appendRequest(nil, o.request, o.key))
}

func newKey() string {
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails
	return base64.StdEncoding.EncodeToString(key[:])
}

func (p *websocket) appendRequest(dst []byte, r *Request, key string) []byte {
	dst = append(dst, "GET "...)
	dst = append(appendTarget(dst, r.Path), " HTTP/1.1\r\n"...)
	header := canonical(r.Header)
	host := header.Get("Host")
	if host == "" {
		host = withoutPort(r.Host)
	}
	dst = appendLine(dst, "Host", host)
	dst = append(dst, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
	dst = appendLine(dst, "Origin", header.Get("Origin"))
	dst = appendLine(dst, "Sec-WebSocket-Protocol", strings.Join(r.offered(), ", "))
	dst = append(dst, "Sec-WebSocket-Version: 13\r\n"...)
	dst = appendLine(dst, "Sec-WebSocket-Key", key)
	if p.deflate != nil {
		dst = appendLine(dst, "Sec-WebSocket-Extensions", p.deflate.offer(p.takeover))
	}
	dst = appendHeaders(dst, header, "Host", "Origin", subprotocolHeader)
	return append(dst, crlf...)
}

// appendTarget appends path with what would end the request line escaped.
func appendTarget(dst []byte, path string) []byte {
	if !strings.HasPrefix(path, "/") {
		dst = append(dst, '/')
	}
	for i := range len(path) {
		if b := path[i]; b <= ' ' || b == 0x7f {
			dst = fmt.Appendf(dst, "%%%02X", b)
			continue
		}
		dst = append(dst, path[i])
	}
	return dst
}

// withoutPort cuts 80 and 443 off, features.md 31.2.
func withoutPort(host string) string {
	for _, port := range []string{":80", ":443"} {
		name, found := strings.CutSuffix(host, port)
		if found && (strings.HasSuffix(name, "]") || !strings.Contains(name, ":")) {
			return name
		}
	}
	return host
}

// offered are the subprotocols of r; they may also have been given as a header.
func (r *Request) offered() []string {
	if len(r.Subprotocols) > 0 {
		return r.Subprotocols
	}
	var names []string
	for _, value := range canonical(r.Header)[subprotocolHeader] {
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// finish checks the server's answer and opens the connection. What was sent
// meanwhile goes out before anything that Connected makes the author send.
func (p *websocket) finish(head []byte, c protocol.Conn) error {
	o := openingOf(c)
	header, err := parseReply(head)
	if err != nil {
		return err
	}
	if err := o.check(header); err != nil {
		return err
	}
	s := &session{dialled: true}
	if list := header["Sec-Websocket-Extensions"]; len(list) > 0 {
		if p.deflate == nil {
			return errExtension
		}
		s.extension, err = p.deflate.agreed(strings.Join(list, ","), p.takeover)
		if err != nil {
			return err
		}
	}
	c.SetState(s)
	if len(o.early) > 0 {
		if err := c.SendRaw(o.early); err != nil {
			return err
		}
	}
	c.Event(&Connected{Header: header})
	return protocol.Skip
}

// parseReply reads the headers of a reply with status 101.
func parseReply(head []byte) (http.Header, error) {
	line, rest, _ := bytes.Cut(head, crlf)
	version, status, _ := bytes.Cut(line, []byte{' '})
	if len(version) != len("HTTP/1.1") || version[7] < '1' || version[7] > '9' {
		return nil, errNoReply
	}
	if code, _, _ := bytes.Cut(status, []byte{' '}); string(code) != "101" {
		return nil, refusal(fmt.Sprintf("the server answered %.100q", line))
	}
	header := http.Header{}
	for {
		name, value, more, ok := cutHeader(rest)
		switch {
		case !ok:
			return nil, errBadReply
		case name == nil:
			return header, nil
		}
		header.Add(string(name), string(value))
		rest = more
	}
}

// check follows RFC 6455 section 4.1, but for the extensions.
func (o *opening) check(h http.Header) error {
	if !hasToken([]byte(strings.Join(h["Upgrade"], ",")), "websocket") ||
		!hasToken([]byte(strings.Join(h["Connection"], ",")), "upgrade") {
		return errNoUpgrade
	}
	want := appendAccept(nil, []byte(o.key))
	if got := h["Sec-Websocket-Accept"]; o.key == "" || len(got) != 1 || got[0] != string(want) {
		return errAccept
	}
	if chosen := h[subprotocolHeader]; len(chosen) > 0 {
		if len(chosen) > 1 || o.request == nil || !slices.Contains(o.request.offered(), chosen[0]) {
			return errNotOffered
		}
	}
	return nil
}
