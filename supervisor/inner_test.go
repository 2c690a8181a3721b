package supervisor

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/listen"
)

// A process that tries one port after another does not make the master look
// through all processes each time.
func TestNobodyLooksForTheHolderOfAnInnerPort(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	other, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer other.Close()
	at := other.Addr().String()
	w.s.sys.open = listen.Open
	_, err = w.s.innerListener(w.newest(), &ipc.Listen{Address: "tcp://" + at})
	checkError(t, err, "listen tcp "+at+": address already in use", unix.EADDRINUSE)
}

func TestInnerUnixSocketNeedsTheRightsOfTheProcess(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "x.sock")
	w := newWorld(t)
	w.serve(spec("a"))
	w.s.sys.open = listen.Open
	p := w.newest()
	p.plan.ident = &identity{uid: 65534, gid: 65533, groups: []uint32{65533}}
	ask := &ipc.Listen{Address: "unix://" + path}
	must(t, os.Chmod(dir, 0o700))
	if _, err := w.s.innerListener(p, ask); !errors.Is(err, unix.EACCES) {
		t.Errorf("in a folder of root: %v", err)
	}
	for parent := dir; parent != "/tmp" && parent != "/"; parent = filepath.Dir(parent) {
		must(t, os.Chmod(parent, 0o755))
	}
	must(t, os.Chown(dir, 65534, 65533))
	lis, err := w.s.innerListener(p, ask)
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	st := info.Sys().(*syscall.Stat_t)
	if st.Uid != 65534 || st.Gid != 65533 || info.Mode().Perm() != 0o660 {
		t.Errorf("owner %d:%d, mode %v", st.Uid, st.Gid, info.Mode())
	}
	lis.Close()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there (%v)", err)
	}
	if unix.Geteuid() != 0 { // the rights were those of one thread
		t.Error("the test is not root any more")
	}
}
