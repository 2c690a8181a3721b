package listen

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func unixAt(path string) Address { return Address{Network: "unix", Host: path} }

func dialUnix(t *testing.T, path string) {
	t.Helper()
	conn, err := net.DialTimeout("unix", path, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestUnixSocketComesAndGoesWithItsListener(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	lis := mustOpen(t, unixAt(path))
	dialUnix(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode() != os.ModeSocket|0o660 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := Open(unixAt(path)); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("a second one: %v", err)
	}
	dialUnix(t, path)
	lis.Close()
	if exists(path) {
		t.Error("the file is still there")
	}
}

func TestUnixSocketOfTheDeadIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	dead, err := Open(unixAt(path))
	must(t, err)
	unix.Close(dead.FD) // as kill -9 does: the file stays
	mustOpen(t, unixAt(path))
	dialUnix(t, path)
	dead.File.remove()
	if !exists(path) {
		t.Error("the first owner removed the file of the second")
	}
}

func TestUnixSocketTakesNothingElseAway(t *testing.T) {
	dir := t.TempDir()
	file, folder, link := filepath.Join(dir, "f"), filepath.Join(dir, "d"), filepath.Join(dir, "l")
	must(t, os.WriteFile(file, []byte("kept"), 0o600))
	must(t, os.Mkdir(folder, 0o700))
	must(t, os.Symlink(filepath.Join(dir, "nowhere"), link))
	datagrams, err := net.ListenPacket("unixgram", filepath.Join(dir, "g"))
	must(t, err)
	defer datagrams.Close()
	for path, want := range map[string]error{
		file: errNoSocket, folder: errNoSocket, link: errNoSocket,
		filepath.Join(dir, "g"):         unix.EADDRINUSE,
		filepath.Join(dir, "none", "x"): unix.ENOENT,
	} {
		_, err := Open(unixAt(path))
		if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "listen unix "+path+": ") {
			t.Errorf("%s: got %v, want %v", path, err, want)
		}
	}
	if text, err := os.ReadFile(file); string(text) != "kept" || !exists(link) {
		t.Errorf("file has %q, %v", text, err)
	}
}

func TestUnixSocketOfALongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	must(t, os.Mkdir(dir, 0o755))
	path := filepath.Join(dir, "x.sock")
	lis := mustOpen(t, unixAt(path))
	if _, err := Open(unixAt(path)); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("a second one: %v", err)
	}
	t.Chdir(dir)
	dialUnix(t, "x.sock")
	lis.Close()
	if exists(path) {
		t.Error("the file is still there")
	}
	_, err := Open(unixAt(filepath.Join(dir, strings.Repeat("x", 120))))
	if err == nil || !strings.Contains(err.Error(), "the file name is too long") {
		t.Errorf("a long name: %v", err)
	}
}

func TestUnixSocketBelongsToTheUserOfTheWorker(t *testing.T) {
	needRoot(t)
	path := filepath.Join(t.TempDir(), "x.sock")
	a := unixAt(path)
	a.Owner = &Owner{65534, 65533}
	lis := mustOpen(t, a)
	checkOwner(t, path, 65534, 65533)
	must(t, lis.File.Give(&Owner{65532, 65531}))
	checkOwner(t, path, 65532, 65531)
}

func checkOwner(t *testing.T, path string, uid, gid uint32) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	st := info.Sys().(*syscall.Stat_t)
	if st.Uid != uid || st.Gid != gid || info.Mode().Perm() != 0o660 {
		t.Errorf("owner %d:%d, mode %v, want %d:%d", st.Uid, st.Gid, info.Mode(), uid, gid)
	}
}
