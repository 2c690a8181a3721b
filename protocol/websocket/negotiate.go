package websocket

import (
	"slices"
	"strconv"
	"strings"
)

// The extension of RFC 7692 and its parameters, section 7.1.
const (
	deflateName      = "permessage-deflate"
	serverNoTakeover = "server_no_context_takeover"
	clientNoTakeover = "client_no_context_takeover"
	serverBits       = "server_max_window_bits"
	clientBits       = "client_max_window_bits"
)

// A window is 2 to the power of so many bytes. maxBits holds where nothing is
// said.
const (
	minBits = 8
	maxBits = 15
)

// terms are the parameters of one offer, or of the answer to it.
type terms struct {
	serverResets, clientResets bool // no context takeover
	serverBits, clientBits     int  // 0: not said
}

// bits is maxBits for what was not said.
func bits(said int) int {
	if said == 0 {
		return maxBits
	}
	return said
}

// offer is what a client asks for.
func (d *deflate) offer(takeover bool) string {
	if takeover {
		return deflateName + "; " + clientBits
	}
	return deflateName + "; " + serverNoTakeover + "; " + clientNoTakeover + "; " + clientBits
}

// accept picks the first offer of a client that can be met and answers it, RFC
// 7692 section 5.1; without one there is no compression.
func (d *deflate) accept(offers string, takeover bool) (answer string, x *extension) {
	list, ok := parseExtensions(offers)
	if !ok {
		return "", nil
	}
	for _, e := range list {
		if t, ok := e.terms(true); ok {
			t.serverResets = t.serverResets || !takeover
			t.clientResets = t.clientResets || !takeover
			out := way{takeover: !t.serverResets, bits: bits(t.serverBits)}
			in := way{takeover: !t.clientResets, bits: bits(t.clientBits)}
			return t.answer(), d.extension(out, in)
		}
	}
	return "", nil
}

// agreed reads the answer to offer. A server that keeps its context although
// it was asked not to is borne with: it costs memory and breaks nothing.
func (d *deflate) agreed(answer string, takeover bool) (*extension, error) {
	list, ok := parseExtensions(answer)
	if !ok || len(list) != 1 {
		return nil, errExtension
	}
	t, ok := list[0].terms(false)
	if !ok {
		return nil, errExtension
	}
	out := way{takeover: takeover && !t.clientResets, bits: bits(t.clientBits)}
	in := way{takeover: !t.serverResets, bits: bits(t.serverBits)}
	return d.extension(out, in), nil
}

// answer is t as a server sends it. An offer that bounds our window is met by
// saying so; the client's is only named when it offered to.
func (t terms) answer() string {
	answer := deflateName
	if t.serverResets {
		answer += "; " + serverNoTakeover
	}
	if t.clientResets {
		answer += "; " + clientNoTakeover
	}
	if t.serverBits != 0 {
		answer += "; " + serverBits + "=" + strconv.Itoa(t.serverBits)
	}
	if t.clientBits != 0 {
		answer += "; " + clientBits + "=" + strconv.Itoa(t.clientBits)
	}
	return answer
}

// terms reads the parameters of e; ok is false for another extension and for
// what RFC 7692 section 7.1 does not know: unknown, repeated or invalid ones.
func (e offered) terms(asks bool) (t terms, ok bool) {
	if !strings.EqualFold(e.name, deflateName) {
		return t, false
	}
	for i, p := range e.parameters {
		same := func(q parameter) bool { return strings.EqualFold(q.name, p.name) }
		if slices.ContainsFunc(e.parameters[:i], same) || !t.read(p, asks) {
			return t, false
		}
	}
	return t, true
}

func (t *terms) read(p parameter, asks bool) (ok bool) {
	switch strings.ToLower(p.name) {
	case serverNoTakeover:
		t.serverResets = true
		return !p.valued
	case clientNoTakeover:
		t.clientResets = true
		return !p.valued
	case serverBits:
		t.serverBits, ok = windowBits(p.value)
		return ok
	case clientBits:
		if asks && !p.valued {
			return true
		}
		t.clientBits, ok = windowBits(p.value)
		return ok
	}
	return false
}

// windowBits accepts 8 to 15 without leading zeros.
func windowBits(value string) (int, bool) {
	n, err := strconv.Atoi(value)
	return n, err == nil && minBits <= n && n <= maxBits && strconv.Itoa(n) == value
}

// offered is one element of Sec-WebSocket-Extensions, RFC 6455 section 9.1.
type offered struct {
	name       string
	parameters []parameter
}

type parameter struct {
	name, value string
	valued      bool
}

// parseExtensions reads a whole header; ok is false when it is malformed.
func parseExtensions(header string) (list []offered, ok bool) {
	x := scanner{header}
	for {
		for x.skip(',') { // empty elements are allowed
		}
		if x.rest == "" {
			return list, true
		}
		e := offered{name: x.token()}
		for x.skip(';') {
			p, ok := x.parameter()
			if !ok {
				return nil, false
			}
			e.parameters = append(e.parameters, p)
		}
		if e.name == "" || x.rest != "" && x.rest[0] != ',' {
			return nil, false
		}
		list = append(list, e)
	}
}

// scanner takes words off the front of a header. Blanks between them do not
// count.
type scanner struct{ rest string }

// skip takes the separator b if it comes next.
func (x *scanner) skip(b byte) bool {
	x.rest = strings.TrimLeft(x.rest, " \t")
	if x.rest == "" || x.rest[0] != b {
		return false
	}
	x.rest = strings.TrimLeft(x.rest[1:], " \t")
	return true
}

func (x *scanner) token() string {
	n := 0
	for n < len(x.rest) && isTokenByte(x.rest[n]) {
		n++
	}
	word := x.rest[:n]
	x.rest = strings.TrimLeft(x.rest[n:], " \t")
	return word
}

func (x *scanner) parameter() (p parameter, ok bool) {
	p.name = x.token()
	if !x.skip('=') {
		return p, p.name != ""
	}
	p.valued = true
	if x.skip('"') { // the value must be a token all the same
		p.value = x.token()
		return p, p.name != "" && p.value != "" && x.skip('"')
	}
	p.value = x.token()
	return p, p.name != "" && p.value != ""
}

// isToken says whether s is a token of RFC 9110 section 5.6.2, as names are.
func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(b byte) bool {
	switch {
	case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}
