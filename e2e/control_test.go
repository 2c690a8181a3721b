package e2e

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	typeRequest = 96
	typeResult  = 115
)

// control is a raw connection to the control socket.
type control struct{ fd int }

func (s *service) dialControl() *control {
	s.t.Helper()
	c, err := connectControl(s.path("wm.sock"))
	if err != nil {
		s.t.Fatalf("connect to the control socket: %v", err)
	}
	s.t.Cleanup(c.close)
	return c
}

func connectControl(path string) (*control, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	limit := unix.NsecToTimeval(int64(eventLimit))
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit)
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 4<<20)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &control{fd}, nil
}

func (c *control) close() {
	if c.fd >= 0 {
		unix.Close(c.fd)
		c.fd = -1
	}
}

// record makes a record as spec.md says.
func record(version, kind, flags byte, body string) []byte {
	return append([]byte{'w', 'm', version, kind, flags, 0, 0, 0}, body...)
}

// send writes records; the peer may hang up while they go out.
func (c *control) send(t testing.TB, records ...[]byte) {
	t.Helper()
	for _, rec := range records {
		if err := unix.Sendto(c.fd, rec, unix.MSG_NOSIGNAL, nil); err != nil {
			return
		}
	}
}

// answers reads records until the master hangs up; it ends the test when that
// takes too long. It returns the types of the records and their joined bodies.
func (c *control) answers(t testing.TB) (kinds []byte, text string) {
	t.Helper()
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(c.fd, buf)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			t.Fatalf("the master neither answers nor hangs up; so far types %v, %s", kinds, text)
		case err != nil || n == 0:
			return kinds, text
		case n < 8:
			t.Fatalf("a record of %d bytes", n)
		default:
			kinds = append(kinds, buf[3])
			text += string(buf[8:n])
		}
		if len(kinds) > 0 && kinds[len(kinds)-1] == typeResult {
			return kinds, text
		}
	}
}

const ping = `{"command":"ping"}`

// Whatever comes in over the control socket, only that connection ends.
func TestControlSocketRefusesMalformedRecords(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.start()
	before := s.snapshot()
	long := `{"command":"` + strings.Repeat("x", 60000)
	for _, c := range []struct {
		name    string
		records [][]byte
	}{
		{"one byte", [][]byte{{'w'}}},
		{"short header", [][]byte{record(1, typeRequest, 0, "")[:7]}},
		{"no body", [][]byte{record(1, typeRequest, 0, "")}},
		{"wrong magic", [][]byte{append([]byte("WM"), record(1, typeRequest, 0, ping)[2:]...)}},
		{"unknown flag", [][]byte{record(1, typeRequest, 2, ping)}},
		{"reserved bytes", [][]byte{[]byte("wm\x01\x60\x00\x01\x00\x00" + ping)}},
		{"no JSON", [][]byte{record(1, typeRequest, 0, "stop")}},
		{"an array", [][]byte{record(1, typeRequest, 0, "[]")}},
		{"wrong type in JSON", [][]byte{record(1, typeRequest, 0, `{"command":7}`)}},
		{"another type goes on", [][]byte{record(1, typeRequest, 1, `{"command":`),
			record(1, 97, 0, `"ping"}`)}},
		{"beyond the bound", [][]byte{record(1, typeRequest, 1, long), record(1, typeRequest, 1, long),
			record(1, typeRequest, 0, long)}},
		{"a record too long", [][]byte{record(1, typeRequest, 0, strings.Repeat(" ", 70000)+ping)}},
		{"version 0", [][]byte{record(0, typeRequest, 0, ping)}},
		{"version 9", [][]byte{record(9, typeRequest, 0, ping)}},
		{"a message of a master", [][]byte{record(1, typeResult, 0, `{"code":0}`)}},
		{"an unknown command", [][]byte{record(1, typeRequest, 0, `{"command":"dance"}`)}},
	} {
		conn := s.dialControl()
		length := len(s.log())
		conn.send(t, c.records...)
		kinds, text := conn.answers(t)
		if strings.Contains(text, `"code":0`) {
			t.Errorf("%s: served, types %v, %s", c.name, kinds, text)
		}
		conn.close()
		if !poll(eventLimit, func() bool { return len(s.log()) > length }) {
			t.Errorf("%s: not a word in wm.log", c.name)
		}
	}
	s.snapshot().wantSame(t, before, "web")
}

// Garbage, however much, costs a bounded number of lines in wm.log.
func TestControlSocketGarbageIsCounted(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.start()
	before := strings.Count(s.log(), "\n")
	const all = 500
	for range all {
		conn := s.dialControl()
		conn.send(t, record(1, typeRequest, 0, "stop"))
		conn.answers(t)
		conn.close()
	}
	s.run("stop").wantCode(0)
	lines := strings.Split(s.log(), "\n")[before:]
	said, more := 0, 0
	for _, line := range lines {
		if strings.Contains(line, "control socket: pid ") {
			said++
		}
		if _, text, found := strings.Cut(line, "control socket: "); found && said > 0 {
			n := 0
			fmt.Sscanf(text, "%d more like this", &n)
			more += n
		}
	}
	if said == 0 || said+more != all || len(lines) > 60 {
		t.Errorf("%d lines and %d more of %d, in all %d lines", said, more, all, len(lines))
	}
}

// Neighbouring versions, unknown types and messages in pieces are served.
func TestControlSocketServesWhatIsNew(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.start()
	for _, c := range []struct {
		name    string
		records [][]byte
	}{
		{"plain", [][]byte{record(1, typeRequest, 0, ping)}},
		{"version 2", [][]byte{record(2, typeRequest, 0, ping)}},
		{"unknown type before it", [][]byte{record(1, 200, 0, `{}`), record(1, typeRequest, 0, ping)}},
		{"unknown field", [][]byte{record(1, typeRequest, 0, `{"command":"ping","colour":"blue"}`)}},
		{"in pieces", [][]byte{record(1, typeRequest, 1, ping[:5]), record(1, typeRequest, 0, ping[5:])}},
	} {
		conn := s.dialControl()
		conn.send(t, c.records...)
		kinds, text := conn.answers(t)
		if len(kinds) == 0 || kinds[len(kinds)-1] != typeResult || !strings.Contains(text, `"code":0`) {
			t.Errorf("%s: types %v, %s", c.name, kinds, text)
		}
		conn.close()
	}
}

// Clients that connect and say nothing, or go away in the middle, hold nobody
// up and leave no descriptor.
func TestControlSocketWithSilentClients(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.start()
	master := s.snapshot().MasterPID
	before := len(descriptors(master))
	var silent []*control
	for range 30 {
		c := s.dialControl()
		c.send(t, record(1, typeRequest, 1, `{"comm`))
		silent = append(silent, c)
	}
	if r := s.run("status").wantCode(0); r.took > statusLimit {
		t.Errorf("wm status took %v beside silent clients", r.took)
	}
	for _, c := range silent {
		c.close()
	}
	if !poll(eventLimit, func() bool { return len(descriptors(master)) <= before }) {
		t.Errorf("%d descriptors of the master became %d", before, len(descriptors(master)))
	}
}

// Descriptors that come with a request are not kept.
func TestControlSocketDoesNotKeepDescriptors(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.start()
	master := s.snapshot().MasterPID
	before := len(descriptors(master))
	gift, err := os.Open("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	defer gift.Close()
	for range 10 {
		c := s.dialControl()
		rights := unix.UnixRights(int(gift.Fd()), int(gift.Fd()))
		if err := unix.Sendmsg(c.fd, record(1, typeRequest, 0, ping), rights, nil, 0); err != nil {
			t.Fatal(err)
		}
		c.answers(t)
		c.close()
	}
	if !poll(eventLimit, func() bool { return len(descriptors(master)) <= before }) {
		t.Errorf("%d descriptors of the master became %v", before, descriptors(master))
	}
}

// Only root and the user of the master are served, whatever the file modes.
func TestControlSocketRefusesOtherUsers(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.start()
	for _, command := range []string{"status", "stop", "reload", "connections"} {
		s.asNobody(command).wantCode(4)
	}
	// Whoever gets past the file modes is known by the kernel's word.
	if err := os.Chmod(s.path("wm.sock"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"ping", "status", "stop", "reload", "upgrade"} {
		var conn *control
		err := asUser(65534, func() (err error) {
			conn, err = connectControl(s.path("wm.sock"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.close()
		conn.send(t, record(1, typeRequest, 0, `{"command":"`+command+`"}`))
		if kinds, text := conn.answers(t); strings.Contains(text, `"code":0`) {
			t.Errorf("%s: served, types %v, %s", command, kinds, text)
		}
	}
	s.wantLog("uid 65534")
	s.snapshot().wantWhole(t, "web", 2)
}

// asUser runs fn on a thread with another effective uid; the thread ends with
// its goroutine.
func asUser(uid int, fn func() error) error {
	done := make(chan error)
	go func() { // ends with fn
		runtime.LockOSThread()
		_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0))
		if errno != 0 {
			done <- errno
			return
		}
		done <- fn()
	}()
	return <-done
}

// Who changed something stands in the log.
func TestChangesAreLoggedWithTheCaller(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.start()
	c := s.begin(nil, "reload")
	s.wait(c).wantCode(0)
	s.wantLog(fmt.Sprintf("uid %d", os.Getuid()))
	if pid := fmt.Sprint(c.cmd.Process.Pid); !strings.Contains(s.log(), pid) {
		t.Errorf("no pid %s of the caller in wm.log", pid)
	}
}

// A master that does not answer is not waited for without end.
func TestCommandsGiveUpOnASuspendedMaster(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.start()
	master := s.snapshot().MasterPID
	kill(t, master, unix.SIGSTOP)
	waitFor(t, eventLimit, "the master is suspended", func() bool { return procState(master) == 'T' })
	defer unix.Kill(master, unix.SIGCONT)
	r := s.run("status")
	kill(t, master, unix.SIGCONT)
	t.Logf("wm status of a suspended master: status %d after %v", r.code, r.took)
	if r.code != 124 || r.took > 20*time.Second {
		t.Errorf("exit status %d after %v, want 124", r.code, r.took)
	}
}
