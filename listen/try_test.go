package listen

import (
	"net"
	"path/filepath"
	"testing"
)

func TestTryLeavesFreeAddressesFree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for _, a := range []Address{
		{Network: "tcp", Host: "127.0.0.1:0"}, {Network: "udp", Host: "127.0.0.1:0"},
		{Network: "udp", Host: "127.0.0.1:0", ReusePort: true},
		{Network: "tcp", Host: "127.0.0.1:0", ReusePort: true}, {Network: "unix", Host: path},
	} {
		if err := Try(a); err != nil {
			t.Error(err)
		}
	}
	if exists(path) {
		t.Error("it made a socket")
	}
	lis, err := net.Listen("unix", path)
	must(t, err)
	lis.(*net.UnixListener).SetUnlinkOnClose(false)
	lis.Close()
	if err := Try(Address{Network: "unix", Host: path}); err != nil || !exists(path) {
		t.Errorf("a socket that a dead owner left: %v, still there: %v", err, exists(path))
	}
}

// A socket that somebody shares is tried without getting what is for others.
func TestTryTakesNoDatagramsOfOthers(t *testing.T) {
	host, _ := where(t, mustOpen(t, shared("udp", "127.0.0.1:0")).FD)
	if err := Try(shared("udp", host)); err != nil {
		t.Error(err)
	}
}
