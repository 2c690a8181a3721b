package worker

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// address is a parsed "scheme://host:port".
type address struct {
	scheme string // lower case
	host   string // "host:port" for the listener; an empty host is every address
	text   string // with the scheme in lower case, as status shows it
}

// later are the transports that this version knows by name only.
var later = map[string]bool{"udp": true, "unix": true, "ssl": true}

var (
	errNoScheme = errors.New("no scheme, want scheme://host:port")
	errNoPort   = errors.New("no port, want scheme://host:port")
	errHost     = errors.New("malformed host")
)

// parseAddress reads what an author gave to New. Its errors begin with the
// address.
func parseAddress(s string) (address, error) {
	scheme, host, ok := strings.Cut(s, "://")
	if !ok {
		return address{}, fmt.Errorf("%s: %w", s, errNoScheme)
	}
	if !isScheme(scheme) {
		return address{}, fmt.Errorf("%s: malformed scheme %q", s, scheme)
	}
	a := address{scheme: strings.ToLower(scheme)}
	a.text = a.scheme + "://" + host
	if later[a.scheme] {
		return a, fmt.Errorf("%s: transport %s is not built in this version", s, a.scheme)
	}
	var err error
	if a.host, err = parseHost(host); err != nil {
		return a, fmt.Errorf("%s: %w", s, err)
	}
	return a, nil
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
