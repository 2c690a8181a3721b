package appsgen

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// newProtocols are those that the templates of a new app can speak.
var newProtocols = []string{"text", "tcp", "frame", "websocket", "http"}

// address is where a new app listens.
type address struct{ protocol, host, port string }

// parseAddress takes PROTOCOL://HOST:PORT apart.
func parseAddress(text string) (address, error) {
	protocol, rest, _ := strings.Cut(text, "://")
	if !slices.Contains(newProtocols, protocol) {
		return address{}, fmt.Errorf("address %q: begin with one of %s:// (others can be "+
			"written into start.go later)", text, strings.Join(newProtocols, "://, "))
	}
	host, port, err := net.SplitHostPort(rest)
	number, notNumber := strconv.Atoi(port)
	if err != nil || notNumber != nil || number < 1 || number > 65535 || host == "" {
		return address{}, fmt.Errorf("address %q: want %s://HOST:PORT, such as %s://127.0.0.1:8001",
			text, protocol, protocol)
	}
	return address{protocol, host, port}, nil
}

// try is a command that talks to the app; empty if there is no common one.
func (a address) try() string {
	host := a.host
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	switch a.protocol {
	case "text", "tcp":
		return "telnet " + host + " " + a.port
	case "http":
		return "curl 'http://" + net.JoinHostPort(host, a.port) + "/?name=Tom'"
	}
	return ""
}

// Ports that a new app gets when its author names none.
const firstPort, lastPort = 8001, 8999

// freeAddress is one that nobody listens at and that stands in no app.
func freeAddress(root string) (string, error) {
	source, err := appSource(root)
	if err != nil {
		return "", err
	}
	for port := firstPort; port <= lastPort; port++ {
		if strings.Contains(source, ":"+strconv.Itoa(port)) {
			continue
		}
		at := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if l, err := net.Listen("tcp", at); err == nil {
			l.Close()
			return "text://" + at, nil
		}
	}
	return "", fmt.Errorf("every port from %d to %d is taken: choose one with --listen",
		firstPort, lastPort)
}

// appSource is the text of all Go files of the apps.
func appSource(root string) (string, error) {
	var all strings.Builder
	files, err := filepath.Glob(filepath.Join(root, appsDir, "*", "*.go"))
	if err != nil {
		return "", err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		all.Write(text)
	}
	return all.String(), nil
}
