package listen

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseKernelAddress(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"0100007F:1F90", "127.0.0.1:8080"},
		{"00000000:0050", "0.0.0.0:80"},
		{"00000000000000000000000001000000:01BB", "[::1]:443"},
		{"0000000000000000FFFF00000100007F:1F90", "127.0.0.1:8080"},
	} {
		if got, err := parseKernelAddress(c.text); err != nil || got.String() != c.want {
			t.Errorf("%s: %v, %v, want %s", c.text, got, err, c.want)
		}
	}
	for _, text := range []string{"", "x", "01:1", "0100007F", "0100007F:12345", "0100007F00:1"} {
		if got, err := parseKernelAddress(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// Another process is found by the socket that it inherited.
func TestHolderIsNamed(t *testing.T) {
	at, _ := where(t, mustListen(t, "127.0.0.1:0"))
	found := Address{Network: "tcp", Host: at}.holders()
	if len(found) != 1 || found[0].PID != os.Getpid() || found[0].String() != "this service" {
		t.Errorf("holders %v", found)
	}
	for _, c := range []struct {
		holders []Holder
		want    string
	}{
		{nil, "address already in use by a process that cannot be seen from here"},
		{[]Holder{{4711, "nginx"}, {4712, "nginx"}}, "address already in use by pid 4711 (nginx)"},
	} {
		if got := (&InUseError{c.holders, unix.EADDRINUSE}).Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestBriefErrorNamesNobody(t *testing.T) {
	host, _ := where(t, mustListen(t, "127.0.0.1:0"))
	_, err := Open(Address{Network: "tcp", Host: host, Brief: true})
	checkError(t, err, "listen tcp "+host+": address already in use", unix.EADDRINUSE)
}

func TestUnixListenerOfALongPath(t *testing.T) {
	path := t.TempDir() + "/" + strings.Repeat("d", 60)
	must(t, os.MkdirAll(path, 0o755))
	path += "/" + strings.Repeat("s", 40)
	mustOpen(t, unixAt(path))
	if !listensAt(path) {
		t.Errorf("nobody is seen at a path of %d bytes", len(path))
	}
	if err := Try(unixAt(path)); err == nil {
		t.Error("the address is free although somebody listens")
	}
}
