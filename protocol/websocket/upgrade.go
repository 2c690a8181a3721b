package websocket

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/workerman-go/wm/protocol"
)

// upgrade is what the handshake needs of the client's request.
type upgrade struct {
	version, key        []byte
	upgrade, connection bool // the tokens of RFC 6455 section 4.2.1 are there

	subprotocols, extensions []byte // offered, separated by commas; nil: none
}

// The replies of features.md 30.3. They have no length: the connection ends
// behind them.
var (
	versionMissing = &protocol.Reject{Why: "websocket: request without a version", Reply: []byte(
		"HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Version: 13\r\n\r\n")}
	versionUnknown = &protocol.Reject{Why: "websocket: version other than 13", Reply: []byte(
		"HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n" +
			"Sec-WebSocket-Version: 13\r\n\r\n")}
	tooLarge = &protocol.Reject{Why: "websocket: upgrade request too large", Reply: []byte(
		"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n")}
	notGet = notUpgrade("method other than GET")
)

// notUpgradePage tells a person with a browser what this port is.
const notUpgradePage = "<h1>400 Bad Request</h1><p>This port speaks websocket.</p>\n"

// notUpgrade refuses a request that is no upgrade for the reason why.
func notUpgrade(why string) error {
	return &protocol.Reject{Why: "websocket: " + why, Reply: []byte(
		"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n" +
			"Content-Type: text/html;charset=utf-8\r\nContent-Length: " +
			strconv.Itoa(len(notUpgradePage)) + "\r\n\r\n" + notUpgradePage)}
}

// parseUpgrade reads a request up to its blank line and checks that it asks for
// websocket version 13. Any key that is not empty will do, as in Workerman.
func parseUpgrade(request []byte) (upgrade, error) {
	var u upgrade
	line, rest, _ := bytes.Cut(request, crlf)
	if !validRequestLine(line) {
		return u, notUpgrade("malformed request line")
	}
	for {
		name, value, more, ok := cutHeader(rest)
		switch {
		case !ok:
			return u, notUpgrade("malformed header line")
		case name == nil:
			return u, u.check()
		}
		u.note(name, value)
		rest = more
	}
}

// validRequestLine accepts GET, a target and HTTP/1.1 to HTTP/1.9: version 1.0
// has no upgrades.
func validRequestLine(line []byte) bool {
	words := bytes.Split(line, []byte{' '})
	if len(words) != 3 || len(words[1]) == 0 {
		return false
	}
	version, found := bytes.CutPrefix(words[2], []byte("HTTP/1."))
	return found && len(version) == 1 && '1' <= version[0] && version[0] <= '9'
}

// note keeps the first version and key, joins lists, and remembers the tokens.
func (u *upgrade) note(name, value []byte) {
	switch {
	case fold(name, "sec-websocket-version") && u.version == nil:
		u.version = value
	case fold(name, "sec-websocket-key") && u.key == nil:
		u.key = value
	case fold(name, "upgrade"):
		u.upgrade = u.upgrade || hasToken(value, "websocket")
	case fold(name, "connection"):
		u.connection = u.connection || hasToken(value, "upgrade")
	case fold(name, "sec-websocket-protocol"):
		u.subprotocols = joinList(u.subprotocols, value)
	case fold(name, "sec-websocket-extensions"):
		u.extensions = joinList(u.extensions, value)
	}
}

// joinList makes one list of the values of a header that came in several lines.
func joinList(list, value []byte) []byte {
	if list == nil {
		return value
	}
	return slices.Concat(list, []byte{','}, value)
}

// choose returns the first of ours that the client offers, or nothing.
func (u *upgrade) choose(ours []string) string {
	for _, name := range ours {
		for word := range bytes.SplitSeq(u.subprotocols, []byte{','}) {
			if string(bytes.Trim(word, " \t")) == name {
				return name
			}
		}
	}
	return ""
}

// check decides in the order of wire.md 6.2.
func (u *upgrade) check() error {
	switch {
	case u.version == nil:
		return versionMissing
	case string(u.version) != "13":
		return versionUnknown
	case len(u.key) == 0:
		return notUpgrade("request without a key")
	case !u.upgrade || !u.connection:
		return notUpgrade("request without the upgrade")
	}
	return nil
}
