package supervisor

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workerman-go/wm/ipc"
)

// Whatever a check and a start find wrong with an address, they name the
// Worker, its line and the address as it was typed.
func TestBadAddressNamesItsWorker(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for _, c := range []struct{ network, host, want string }{
		{"tcp", "nohost:25001", `"nohost" is no IP address`},
		{"udp", "nohost:25001", `"nohost" is no IP address`},
		{"tcp", "[fe80::1%nosuch0]:1", `no interface "nosuch0"`},
		{"unix", filepath.Join(dir, "none", "s"), "folder " + filepath.Join(dir, "none") + ": no such"},
		{"unix", file, errNoSocket.Error()},
	} {
		sp := spec("chat", func(sp *ipc.Spec) {
			sp.Network, sp.Host, sp.Listen = c.network, c.host, "text://"+c.host
			sp.Source = "apps/chat/start.go:14"
		})
		want := "worker chat (apps/chat/start.go:14): listen text://" + c.host + ": " + c.want
		w := newWorld(t)
		if err := w.s.checkMachine([]ipc.Spec{sp}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("check: %v, want %s", err, want)
		}
		w.s.sys.bind = bind
		_, err := w.s.planOf(w.s.gen, sp, w.s.obtain)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("start: %v, want %s", err, want)
		}
	}
}

// A check beside the running service finds nothing wrong with its addresses.
func TestCheckOfAddressesInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	lis, err := net.Listen("unix", path)
	must(t, err)
	defer lis.Close()
	at, _ := where(t, mustListen(t, "127.0.0.1:0"))
	for _, sp := range []ipc.Spec{{Network: "unix", Host: path}, {Network: "tcp", Host: at}, {}} {
		if err := checkAddress(sp); err != nil {
			t.Error(err)
		}
	}
	if !exists(path) {
		t.Error("the check removed the socket")
	}
}
