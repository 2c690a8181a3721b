package ipc

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// accept returns the master's end of the next connection.
func accept(t *testing.T, ln *net.UnixListener) *Conn {
	t.Helper()
	ln.SetDeadline(time.Now().Add(testDeadline))
	sock, err := ln.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sock.Close() })
	return NewConn(sock)
}

func TestControlSocketServesAtAnyPath(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("d", 100), strings.Repeat("e", 100))
	if err := os.MkdirAll(long, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"short": filepath.Join(t.TempDir(), "wm.sock"),
		"long":  filepath.Join(long, "wm.sock"),
	} {
		t.Run(name, func(t *testing.T) {
			before := openDescriptors(t)
			ln, err := ListenControl(path)
			if err != nil {
				t.Fatal(err)
			}
			client, err := DialControl(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := client.Send(&Request{Command: CommandPing}); err != nil {
				t.Fatal(err)
			}
			master := accept(t, ln)
			m, _, err := master.Recv()
			if req, ok := m.(*Request); !ok || req.Command != CommandPing || err != nil {
				t.Errorf("got %v, %v", m, err)
			}
			for _, c := range []interface{ Close() error }{master, client, ln} {
				c.Close()
			}
			if after := openDescriptors(t); after != before {
				t.Errorf("%d descriptors before, %d after", before, after)
			}
		})
	}
}

func TestControlSocketIsTheOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.sock")
	if err := os.WriteFile(path, []byte("stale"), 0o644); err != nil {
		t.Fatal(err)
	}
	ln, err := ListenControl(path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := info.Mode(), os.ModeSocket|0o600; got != want {
		t.Errorf("mode %v, want %v", got, want)
	}
	client, err := DialControl(path)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	peer, err := accept(t, ln).Peer()
	want := Peer{UID: os.Getuid(), GID: os.Getgid(), PID: os.Getpid()}
	if err != nil || peer != want {
		t.Errorf("got %+v, %v, want %+v", peer, err, want)
	}
}

func TestControlSocketErrorsNameThePath(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "wm.sock")
	stale := filepath.Join(t.TempDir(), "wm.sock")
	ln, err := ListenControl(stale)
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	longMissing := filepath.Join(t.TempDir(), strings.Repeat("x", 120), "wm.sock")
	for _, path := range []string{missing, stale, longMissing} {
		if c, err := DialControl(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("dial: got %v, %v, want an error with %s", c, err, path)
		}
	}
	_, err = ListenControl(longMissing)
	if err == nil || !strings.Contains(err.Error(), longMissing) {
		t.Errorf("listen: got %v, want an error with the path", err)
	}
}

func TestRequestBeyondTheBoundIsRefused(t *testing.T) {
	master, client := connPair(t)
	master.MaxMessage = MaxRequest
	request := &Request{Command: CommandReload, Binary: strings.Repeat("x", MaxRequest)}
	sent := make(chan error, 1)
	go func() { sent <- client.Send(request) }() // fits into the socket's buffer
	if m, _, err := master.Recv(); err == nil {
		t.Errorf("got %T, want an error", m)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}
