package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/workerman-go/wm/gateway/wire"
)

// What the lines between Registers and the others are about (wire.md 1.3).
const (
	eventGateway   = "gateway_connect"
	eventWorker    = "worker_connect"
	eventPing      = "ping"
	eventAddresses = "broadcast_addresses"
)

// pingLine keeps a connection to a Register awake.
const pingLine = `{"event":"ping"}`

// What is wrong with a line. None of them quotes it: there may be a secret in it.
var (
	errNoLine      = errors.New("no JSON object with an event")
	errNoAddress   = errors.New("no address, or none like 10.0.0.1:2900")
	errNoSecret    = errors.New("its secret_key is no JSON string")
	errNoAddresses = errors.New("no addresses, or not a list of host:port")
)

// registerLine is what a line says. Which fields count depends on the event.
type registerLine struct {
	event     string
	address   string
	secret    string
	addresses []string
}

// parseRegisterLine reads a line of anybody. The event of it is known where the
// error is not errNoLine.
func parseRegisterLine(line []byte) (registerLine, error) {
	var l registerLine
	var fields map[string]json.RawMessage // a struct would take keys in any case
	if !utf8.Valid(line) || json.Unmarshal(line, &fields) != nil {
		return l, errNoLine
	}
	var ok bool
	if l.event, ok = jsonText(fields["event"]); !ok || l.event == "" {
		return l, errNoLine
	}
	switch l.event {
	case eventAddresses:
		list, err := wire.ParseStrings(fields["addresses"])
		for _, address := range list {
			if !isAddress(address) {
				err = errNoAddresses
			}
		}
		if err != nil {
			return l, errNoAddresses
		}
		l.addresses = list
		return l, nil
	case eventGateway:
		if l.address, ok = jsonText(fields["address"]); !ok || !isAddress(l.address) {
			return l, errNoAddress
		}
	}
	secret, said := fields["secret_key"]
	if l.secret, ok = jsonText(secret); said && !ok {
		return l, errNoSecret
	}
	return l, nil
}

// jsonText returns the value of a JSON string; ok is false for other types and for
// none.
func jsonText(raw json.RawMessage) (s string, ok bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	return s, json.Unmarshal(raw, &s) == nil
}

// maxAddressBytes is that of the longest host name, and a port.
const maxAddressBytes = 253 + len(":65535")

// isAddress says that somebody can be dialled there, whether or not he is.
func isAddress(address string) bool {
	host, port, err := net.SplitHostPort(address)
	n, err2 := strconv.ParseUint(port, 10, 16)
	odd := strings.ContainsFunc(host, func(r rune) bool { // addresses are logged
		return !unicode.IsGraphic(r) || unicode.IsSpace(r)
	})
	return err == nil && err2 == nil && n > 0 && host != "" && !odd &&
		len(address) <= maxAddressBytes
}

// gatewayLine announces a Gateway, byte for byte as PHP does, where that is JSON:
// PHP writes a quote in a secret as it is.
func gatewayLine(address, secret string) string {
	return fmt.Sprintf(`{"event":"%s", "address":%s, "secret_key":%s}`,
		eventGateway, quote(address), quote(secret))
}

// workerLine announces somebody who wants to know where the Gateways are.
func workerLine(secret string) string {
	return fmt.Sprintf(`{"event":"%s","secret_key":%s}`, eventWorker, quote(secret))
}

// addressesLine says where the Gateways are: a list, of each once, in this order.
func addressesLine(addresses []string) (string, error) {
	list, err := wire.AppendStrings(nil, addresses)
	return fmt.Sprintf(`{"event":"%s","addresses":%s}`, eventAddresses, list), err
}

// quote makes JSON of s and changes nothing but what it must: a slash, and what is
// not ASCII, stay. s is UTF-8.
func quote(s string) string {
	dst := []byte{'"'}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = fmt.Appendf(dst, `\u%04x`, c)
		default:
			dst = append(dst, c)
		}
	}
	return string(append(dst, '"'))
}
