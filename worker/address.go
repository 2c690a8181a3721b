package worker

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// address is a parsed "scheme://host:port" or "scheme:///path".
type address struct {
	scheme string // lower case
	host   string // "host:port" for the listener, or the path of a Unix socket
	text   string // with the scheme in lower case, as status shows it
	path   bool   // host is a path
}

// transports are the values of Worker.Transport with the network that the
// listener belongs to. Each is a scheme too, for bytes as they come.
var transports = map[string]string{"tcp": "tcp", "ssl": "tcp", "udp": "udp", "unix": "unix"}

// instead is what a server says for the schemes that only clients have
// (features.md 19.19).
var instead = map[string]string{
	"ws":    "websocket://",
	"wss":   `websocket:// and Transport = "ssl"`,
	"https": `http:// and Transport = "ssl"`,
}

var (
	errNoScheme = errors.New("no scheme, want scheme://host:port")
	errNoPort   = errors.New("no port, want scheme://host:port")
	errHost     = errors.New("malformed host")
	errPath     = errors.New("malformed path")
)

// parseAddress reads what an author gave to New. Its errors begin with the
// address. Whether the parts go together is for the caller to know.
func parseAddress(s string) (address, error) {
	scheme, host, ok := strings.Cut(s, "://")
	if !ok {
		return address{}, fmt.Errorf("%s: %w", s, errNoScheme)
	}
	if !isScheme(scheme) {
		return address{}, fmt.Errorf("%s: malformed scheme %q", s, scheme)
	}
	a := address{scheme: strings.ToLower(scheme), path: strings.HasPrefix(host, "/")}
	a.text = a.scheme + "://" + host
	var err error
	switch {
	case a.path:
		a.host, err = parsePath(host)
	case a.scheme == "unix":
		err = errors.New("no absolute path, want unix:///path")
	default:
		a.host, err = parseHost(host)
	}
	if err != nil {
		return a, fmt.Errorf("%s: %w", s, err)
	}
	return a, nil
}

// transportOf is what an address says about the transport by itself.
func transportOf(s string) string {
	scheme, _, _ := strings.Cut(s, "://")
	if scheme = strings.ToLower(scheme); transports[scheme] != "" {
		return scheme
	}
	return "tcp"
}

// isScheme tells whether s begins with a letter and has letters and digits
// only (features.md 23.8).
func isScheme(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		digit := r >= '0' && r <= '9'
		if !letter && (!digit || i == 0) {
			return false
		}
	}
	return s != ""
}

// parsePath checks the path of a Unix socket. How long it may be is for the
// master, which can reach long ones too.
func parsePath(s string) (string, error) {
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return "", errPath
		}
	}
	path := filepath.Clean(s)
	if strings.HasSuffix(s, "/") || path == "/" {
		return "", errPath
	}
	return path, nil
}

// parseHost checks "host:port" and fills an empty host.
func parseHost(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		var bad *net.AddrError
		if errors.As(err, &bad) && bad.Err == "missing port in address" {
			return "", errNoPort
		}
		return "", errHost
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || port != strconv.FormatUint(n, 10) {
		return "", fmt.Errorf("malformed port %q, want 0 to 65535", port)
	}
	if host == "" {
		host = "0.0.0.0"
	}
	if !isHost(host) {
		return "", errHost
	}
	return net.JoinHostPort(host, port), nil
}

// isHost accepts an IP address (with a zone) and what may be a host name.
func isHost(s string) bool {
	ip, _, _ := strings.Cut(s, "%")
	if net.ParseIP(ip) != nil {
		return true
	}
	if strings.HasPrefix(s, "-") || strings.HasPrefix(s, ".") {
		return false
	}
	numeric := true
	for _, r := range s {
		switch {
		case r == '.' || r >= '0' && r <= '9':
		case r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
			numeric = false
		default:
			return false
		}
	}
	return !numeric // 256.1.1.1 is no name, it is a mistyped address
}
