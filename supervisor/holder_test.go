package supervisor

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
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
	found := binding{network: "tcp", host: at}.holders()
	if len(found) != 1 || found[0].pid != os.Getpid() || found[0].String() != "this service" {
		t.Errorf("holders %v", found)
	}
	for _, c := range []struct {
		holders []holder
		want    string
	}{
		{nil, "address already in use by a process that cannot be seen from here"},
		{[]holder{{4711, "nginx"}, {4712, "nginx"}}, "address already in use by pid 4711 (nginx)"},
	} {
		if got := (&inUseError{c.holders, unix.EADDRINUSE}).Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// A process that tries one port after another does not make the master look
// through all processes each time.
func TestNobodyLooksForTheHolderOfAnInnerPort(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	at, _ := where(t, mustListen(t, "127.0.0.1:0"))
	w.s.sys.bind = bind
	_, err := w.s.innerListener(w.newest(), &ipc.Listen{Address: "tcp://" + at})
	checkError(t, err, "listen tcp "+at+": address already in use", unix.EADDRINUSE)
}

func TestUnixListenerOfALongPath(t *testing.T) {
	path := t.TempDir() + "/" + strings.Repeat("d", 60)
	must(t, os.MkdirAll(path, 0o755))
	path += "/" + strings.Repeat("s", 40)
	lis, err := bind(binding{network: "unix", host: path})
	must(t, err)
	defer lis.close()
	if !listensAt(path) {
		t.Errorf("nobody is seen at a path of %d bytes", len(path))
	}
	if err := tryBind(binding{network: "unix", host: path}); err == nil {
		t.Error("the address is free although somebody listens")
	}
}
