package worker

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/websocket"
)

// target is who an address of Dial means.
type target struct {
	network network
	host    string // a name, an IP address, or the path of a Unix socket
	port    uint16
	uri     string            // path and query
	proto   protocol.Protocol // nil is raw
	codec   string            // the protocol's name in connections
}

const (
	defaultPort    = 80
	defaultTLSPort = 443
)

var (
	errHTTPClient = errors.New("there is no http client: write to tcp:// or use net/http in worker.Go")
	errWSClient   = errors.New("websocket:// is for servers, clients dial ws:// or wss://")
	errNoPath     = errors.New("no path, want unix:///path")
)

// parseTarget reads an address of Dial; transport beats what its scheme means.
// Its errors begin with the address.
func parseTarget(address, transport string) (target, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok || !isScheme(scheme) {
		return target{}, fmt.Errorf("%s: %w", address, errNoScheme)
	}
	scheme = strings.ToLower(scheme)
	t := target{uri: "/"}
	err := t.speak(scheme)
	if err == nil {
		err = t.travel(scheme, transport)
	}
	switch {
	case err != nil:
	case t.network == overUnix:
		t.host = rest
		if rest == "" {
			err = errNoPath
		}
	default:
		err = t.locate(rest)
	}
	if err != nil {
		return t, fmt.Errorf("%s: %w", address, err)
	}
	return t, nil
}

// speak finds the protocol of a scheme.
func (t *target) speak(scheme string) error {
	switch scheme {
	case "tcp", "ssl", "unix", "udp":
		return nil
	case "ws", "wss":
		t.proto, t.codec = websocket.Protocol, "ws"
		return nil
	case "http", "https":
		return errHTTPClient
	case "websocket":
		return errWSClient
	}
	offerBuiltin()
	p, ok := protocol.Lookup(scheme)
	if !ok {
		return fmt.Errorf("unknown scheme %s, no protocol of this name is registered", scheme)
	}
	t.proto, t.codec = p, scheme
	return nil
}

// travel finds the transport.
func (t *target) travel(scheme, transport string) error {
	if transport == "" {
		transport = scheme
	}
	switch transport {
	case "ssl", "wss":
		t.network = overTLS
	case "unix":
		t.network = overUnix
	case "udp":
		t.network = overUDP
	case "tcp", scheme:
		if scheme == "wss" || scheme == "ssl" {
			t.network = overTLS
		}
	default:
		return fmt.Errorf("unknown transport %s", transport)
	}
	if t.codec == "ws" && t.network == overUDP {
		return errors.New("websocket does not travel over udp")
	}
	return nil
}

// locate reads host, port and what follows.
func (t *target) locate(s string) error {
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		s, t.uri = s[:i], s[i:]
		t.uri, _, _ = strings.Cut(t.uri, "#")
		if !strings.HasPrefix(t.uri, "/") {
			t.uri = "/" + t.uri
		}
	}
	host, port := s, ""
	if strings.LastIndexByte(s, ':') > strings.LastIndexByte(s, ']') {
		var err error
		if host, port, err = net.SplitHostPort(s); err != nil {
			return errHost
		}
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if !isHost(host) {
		return errHost
	}
	t.host, t.port = host, t.defaultPort()
	if port == "" {
		return nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("malformed port %q, want 1 to 65535", port)
	}
	t.port = uint16(n)
	return nil
}

func (t *target) defaultPort() uint16 {
	if t.network == overTLS {
		return defaultTLSPort
	}
	return defaultPort
}

// String is for messages.
func (t *target) String() string {
	if t.network == overUnix {
		return t.host
	}
	return net.JoinHostPort(t.host, strconv.Itoa(int(t.port)))
}

// hostHeader is the Host of a request: without the port that everybody expects
// (features.md 31.2).
func (t *target) hostHeader() string {
	switch {
	case t.network == overUnix:
		return "localhost"
	case t.port == defaultPort || t.port == defaultTLSPort:
		return strings.TrimSuffix(net.JoinHostPort(t.host, ""), ":")
	}
	return t.String()
}
