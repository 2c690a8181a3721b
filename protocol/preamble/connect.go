package preamble

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

const (
	// maxReplyBytes bounds the heads that a proxy answers with.
	maxReplyBytes = 16 << 10
	// maxQuotedBytes bounds what an error quotes of a status line.
	maxQuotedBytes = 200

	statusStart = "HTTP/1."
)

var (
	errConnectHost   = errors.New("http proxy: host that cannot stand in a request")
	errConnectUser   = errors.New("http proxy: user with a colon")
	errConnectAnswer = errors.New("http proxy: the answer is not HTTP")
	errConnectHead   = errors.New("http proxy: answer with a head of more than 16 KiB")
)

// Connect asks an HTTP proxy for a connection to port of host (CONNECT, RFC 9110
// section 9.3.6; features.md 19.16). Names are resolved by the proxy. A user that
// is not empty is sent with the password as Proxy-Authorization: Basic (RFC 7617).
// A host that is neither an IP address nor a name of letters, digits and -._~, an
// IP address with a zone, and a user with a colon are told by Err.
//
// Any status of 2xx is success, and what follows its head belongs to the
// protocol, whatever the head says about a body. Another is an error that quotes
// it: "http proxy: 407 Proxy Authentication Required". The head must end within
// 16 KiB, together with those of 1xx before it.
func Connect(host string, port uint16, user, password string) Preamble {
	if !isHost(host) {
		return unaskable{errConnectHost}
	}
	if strings.Contains(user, ":") {
		return unaskable{errConnectUser}
	}
	target := net.JoinHostPort(host, strconv.Itoa(int(port)))
	request := "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n"
	if user != "" {
		secret := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
		request += "Proxy-Authorization: Basic " + secret + "\r\n"
	}
	return connect(request + "\r\n")
}

// isHost says that host can stand in a request line and in a Host header.
func isHost(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Zone() == ""
	}
	odd := strings.IndexFunc(host, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		return !letter && (r < '0' || r > '9') && !strings.ContainsRune("-._~", r)
	})
	return host != "" && odd < 0
}

// connect is the request as it is sent. It remembers nothing of the answer.
type connect string

func (c connect) Start() []byte { return []byte(c) }

// Feed passes over heads of 1xx and is done behind one of 2xx; see Preamble. It
// consumes nothing before that, so the bound holds for all heads together.
func (c connect) Feed(buf []byte) (n int, reply []byte, done bool, err error) {
	window := buf[:min(len(buf), maxReplyBytes)]
	for {
		length, status, err := readHead(window[n:])
		if err != nil {
			return 0, nil, false, err
		}
		if length == 0 && len(buf) >= maxReplyBytes {
			return 0, nil, false, errConnectHead
		}
		if length == 0 {
			return 0, nil, false, nil
		}
		n += length
		if status == success {
			return n, nil, true, nil
		}
	}
}

// The statuses that are no errors.
const (
	interim = '1'
	success = '2'
)

// readHead returns the length of the first head in buf, blank line included, and
// the class of its status; 0 while it is not complete. A status that ends the
// attempt is an error as soon as its line is there.
func readHead(buf []byte) (length int, status byte, err error) {
	start := min(len(buf), len(statusStart))
	if string(buf[:start]) != statusStart[:start] {
		return 0, 0, errConnectAnswer
	}
	line, _, complete := bytes.Cut(buf, []byte("\r\n"))
	if !complete {
		return 0, 0, nil
	}
	if status, err = readStatus(line); err != nil {
		return 0, 0, err
	}
	blank := []byte("\r\n\r\n")
	end := bytes.Index(buf, blank)
	if end < 0 {
		return 0, 0, nil
	}
	return end + len(blank), status, nil
}

// readStatus returns the class of a status line, or the error that quotes it.
// 101 is one: no switch of protocols was asked for.
func readStatus(line []byte) (class byte, err error) {
	minor, status, _ := strings.Cut(string(line[len(statusStart):]), " ")
	code, reason, _ := strings.Cut(status, " ")
	if _, err := strconv.ParseUint(code, 10, 16); err != nil || len(code) != 3 || len(minor) != 1 {
		return 0, errConnectAnswer
	}
	if code[0] == success || code[0] == interim && code != "101" {
		return code[0], nil
	}
	return 0, errors.New(strings.TrimRight("http proxy: "+code+" "+printable(reason), " "))
}

// printable makes of what a proxy has sent something for a log: one line of
// plain characters, cut when it is long.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s[:min(len(s), maxQuotedBytes)])
}
