package supervisor

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

func bindAt(path string) binding { return binding{network: "unix", host: path} }

func mustBind(t *testing.T, b binding) *listener {
	t.Helper()
	lis, err := bind(b)
	if err != nil {
		t.Fatal(err)
	}
	return lis
}

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
	lis := mustBind(t, bindAt(path))
	dialUnix(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode() != os.ModeSocket|0o660 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := bind(bindAt(path)); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("a second one: %v", err)
	}
	dialUnix(t, path)
	lis.close()
	if exists(path) {
		t.Error("the file is still there")
	}
}

func TestUnixSocketOfTheDeadIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	dead := mustBind(t, bindAt(path))
	unix.Close(dead.fd) // as kill -9 does: the file stays
	lis := mustBind(t, bindAt(path))
	defer lis.close()
	dialUnix(t, path)
	dead.file.remove()
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
		_, err := bind(bindAt(path))
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
	lis := mustBind(t, bindAt(path))
	if _, err := bind(bindAt(path)); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("a second one: %v", err)
	}
	t.Chdir(dir)
	dialUnix(t, "x.sock")
	lis.close()
	if exists(path) {
		t.Error("the file is still there")
	}
	_, err := bind(bindAt(filepath.Join(dir, strings.Repeat("x", 120))))
	if err == nil || !strings.Contains(err.Error(), "the file name is too long") {
		t.Errorf("a long name: %v", err)
	}
}

func TestUnixSocketBelongsToTheUserOfTheWorker(t *testing.T) {
	needRoot(t)
	path := filepath.Join(t.TempDir(), "x.sock")
	b := bindAt(path)
	b.owner = &identity{uid: 65534, gid: 65533}
	lis := mustBind(t, b)
	defer lis.close()
	checkOwner(t, path, 65534, 65533)
	must(t, lis.file.give(&identity{uid: 65532, gid: 65531}))
	checkOwner(t, path, 65532, 65531)
}

func TestInnerUnixSocketNeedsTheRightsOfTheProcess(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	b := bindAt(filepath.Join(dir, "x.sock"))
	b.as = &identity{uid: 65534, gid: 65533, groups: []uint32{65533}}
	must(t, os.Chmod(dir, 0o700))
	if _, err := bind(b); !errors.Is(err, unix.EACCES) {
		t.Errorf("in a folder of root: %v", err)
	}
	for parent := dir; parent != "/tmp" && parent != "/"; parent = filepath.Dir(parent) {
		must(t, os.Chmod(parent, 0o755))
	}
	must(t, os.Chown(dir, 65534, 65533))
	lis := mustBind(t, b)
	checkOwner(t, b.host, 65534, 65533)
	lis.close()
	if exists(b.host) {
		t.Error("the file is still there")
	}
	if unix.Geteuid() != 0 { // the rights were those of one thread
		t.Error("the test is not root any more")
	}
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
