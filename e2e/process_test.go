package e2e

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestProcessTitles(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	s.start()
	snap := s.snapshot()
	if got, want := title(snap.MasterPID), "wm: master process  start_file="+s.bin; got != want {
		t.Errorf("title of the master %q, want %q", got, want)
	}
	for _, pid := range snap.pidsOf("web") {
		if got, want := title(pid), "wm: worker process  web http://"+address; got != want {
			t.Errorf("title of a worker process %q, want %q", got, want)
		}
		// After the exec of /proc/self/fd/N it would be the number.
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if strings.Trim(string(name), "0123456789\n") == "" {
			t.Errorf("comm of a worker process is %q", name)
		}
	}
}

func TestMasterIsParentOfAll(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_TEXT="+freeAddress(t), "E2E_COUNT=2")
	s.start()
	snap := s.snapshot()
	if got, want := len(childrenOf(snap.MasterPID)), 4; got != want {
		t.Errorf("the master has %d children, want %d", got, want)
	}
	if got, want := len(s.processes()), 5; got != want {
		t.Errorf("%d processes, want %d", got, want)
	}
}

// socketInode finds the listening socket of an address in the kernel's table.
func socketInode(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	fmt.Sscan(port, &n)
	local := fmt.Sprintf("0100007F:%04X", n)
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(table), "\n") {
		words := strings.Fields(line)
		if len(words) > 9 && words[1] == local && words[3] == "0A" {
			return words[9]
		}
	}
	t.Fatalf("nobody listens on %s", address)
	return ""
}

// listenerOf finds a socket among the descriptors of a process.
func listenerOf(t *testing.T, pid int, inode string) int {
	t.Helper()
	for fd, to := range descriptors(pid) {
		if to == "socket:["+inode+"]" {
			return fd
		}
	}
	t.Fatalf("process %d does not have the listener", pid)
	return -1
}

// All processes share one listener, which is plain TCP and non-blocking: the
// flag belongs to the description that all of them share.
func TestInheritedListenerIsPlainAndNonBlocking(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=2")
	s.start()
	snap := s.snapshot()
	inode := socketInode(t, address)
	for _, pid := range append(snap.pidsOf("web"), snap.MasterPID) {
		fd := listenerOf(t, pid, inode)
		if flags := fdFlags(t, pid, fd); flags&unix.O_NONBLOCK == 0 || flags&unix.O_CLOEXEC == 0 {
			t.Errorf("flags of the listener in %q: %o", title(pid), flags)
		}
		if got := socketOption(t, pid, fd, unix.SO_PROTOCOL); got != unix.IPPROTO_TCP {
			t.Errorf("protocol of the listener in %q: %d, want %d", title(pid), got, unix.IPPROTO_TCP)
		}
		if got := socketOption(t, pid, fd, unix.SO_KEEPALIVE); got != 1 {
			t.Errorf("no keep-alive on the listener in %q", title(pid))
		}
	}
}

// fdFlags reads the flags line of /proc/PID/fdinfo/FD.
func fdFlags(t *testing.T, pid, fd int) int {
	t.Helper()
	flags, err := openFlags(pid, fd)
	if err != nil {
		t.Fatal(err)
	}
	return flags
}

// openFlags is fdFlags of a descriptor that may have been closed.
func openFlags(pid, fd int) (flags int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(text), "\n") {
		if value, found := strings.CutPrefix(line, "flags:"); found {
			fmt.Sscanf(strings.TrimSpace(value), "%o", &flags)
		}
	}
	return flags, nil
}

// socketOption reads an option of a socket of another process.
func socketOption(t *testing.T, pid, fd, option int) int {
	t.Helper()
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	mine, err := unix.PidfdGetfd(pidfd, fd, 0)
	if err != nil {
		t.Skipf("pidfd_getfd: %v", err)
	}
	defer unix.Close(mine)
	value, err := unix.GetsockoptInt(mine, unix.SOL_SOCKET, option)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// A worker process gets its listener, its link and nothing of the master.
func TestWorkerProcessInheritsNothingElse(t *testing.T) {
	t.Parallel()
	a, b := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_HTTP="+a, "E2E_TEXT="+b, "E2E_COUNT=1")
	s.start()
	snap := s.snapshot()
	foreign := "socket:[" + socketInode(t, b) + "]"
	for fd, to := range descriptors(snap.pidsOf("web")[0]) {
		if strings.HasPrefix(to, s.dir) || to == foreign {
			t.Errorf("descriptor %d of a worker process is %s", fd, to)
		}
	}
	for _, entry := range strings.Split(mustFetch(t, a, "/environ"), "\n") {
		if strings.HasPrefix(entry, "_WM_") || strings.HasPrefix(entry, "_GO_DAEMON") {
			t.Errorf("the app's own children would inherit %.40s", entry)
		}
	}
	var ignored uint64
	fmt.Sscanf(statusField(t, snap.pidsOf("web")[0], "SigIgn"), "%x", &ignored)
	if ignored&(1<<(unix.SIGPIPE-1)) != 0 {
		t.Error("the app's own children would ignore SIGPIPE")
	}
}

func TestStandardOutputOfADaemon(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
	out := s.path("stdout.txt")
	s.start("--stdout-file", out)
	for _, pid := range s.processes() {
		if got := descriptors(pid)[1]; got != out {
			t.Errorf("%s: standard output %s, want %s", title(pid), got, out)
		}
	}
	// Standard error goes there too, by way of the master.
	fetch(address, "/crash", eventLimit)
	waitFor(t, eventLimit, "the panic is in "+out, func() bool {
		text, err := os.ReadFile(out)
		return err == nil && strings.Contains(string(text), "panic: ")
	})
}

func TestStandardOutputOfADaemonIsDiscarded(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=1")
	s.start()
	for _, pid := range s.processes() {
		if open := descriptors(pid); open[0] != "/dev/null" || open[1] != "/dev/null" {
			t.Errorf("%s: standard input %s, output %s", title(pid), open[0], open[1])
		}
	}
}

func TestUserSwitch(t *testing.T) {
	t.Parallel()
	needRoot(t)
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_USER=nobody")
	s.start()
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	mustFetch(t, address, "/")
	snap := s.snapshot()
	ids := strings.Join([]string{nobody.Uid, nobody.Uid, nobody.Uid, nobody.Uid}, "\t")
	for _, pid := range snap.pidsOf("web") {
		if got := statusField(t, pid, "Uid"); got != ids {
			t.Errorf("Uid of %d: %q, want %q", pid, got, ids)
		}
		if got := statusField(t, pid, "Gid"); strings.HasPrefix(got, "0") {
			t.Errorf("Gid of %d: %q", pid, got)
		}
		if got := statusField(t, pid, "NoNewPrivs"); got != "1" {
			t.Errorf("NoNewPrivs of %d: %s", pid, got)
		}
		if groups := strings.Fields(statusField(t, pid, "Groups")); slices.Contains(groups, "0") {
			t.Errorf("groups of %d: %v", pid, groups)
		}
	}
	if got := statusField(t, snap.MasterPID, "NoNewPrivs"); got != "0" {
		t.Errorf("NoNewPrivs of the master: %s", got)
	}
	s.run("reload").wantCode(0) // the next generation is executed as nobody too
	for _, pid := range s.waitWhole("web", 2).pidsOf("web") {
		if got := statusField(t, pid, "Uid"); got != ids {
			t.Errorf("Uid of %d after the reload: %q", pid, got)
		}
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}
