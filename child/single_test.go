package child

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/worker"
)

// together is a Together whose service a test plays.
type together struct {
	t      *testing.T
	master *ipc.Conn
	addr   string // of the echo Worker
	code   chan int
	logs   []string
}

// serveTogether gathers the apps of the test binary and serves them on a goroutine.
// One of its Workers listens.
func serveTogether(t *testing.T, apps []string, args ...string) *together {
	t.Helper()
	saved, settings := os.Args, worker.Settings
	t.Cleanup(func() { os.Args, worker.Settings = saved, settings })
	all, err := Gather(testApps, apps, "", args)
	if err != nil {
		t.Fatal(err)
	}
	master, there, err := ipc.Pair()
	if err != nil {
		t.Fatal(err)
	}
	link, err := ipc.FromDescriptor(there)
	if err != nil {
		t.Fatal(err)
	}
	master.SetDeadline(time.Now().Add(testDeadline))
	file, addr := listener(t)
	defer file.Close()
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	var fds []int
	for _, app := range all.Declared {
		for _, spec := range app.Specs {
			if spec.Network == "" {
				fds = append(fds, -1)
				continue
			}
			fds = append(fds, fd)
		}
	}
	s := &together{t: t, master: master, addr: addr, code: make(chan int, 1)}
	told := &ipc.WorkerHandover{Generation: 1, Seated: true, Debug: true}
	go func() { // ends with the loop
		s.code <- all.Serve(link, told, fds, func(code int) { t.Errorf("ended with %d", code) })
	}()
	t.Cleanup(func() { master.Close() })
	return s
}

// expectTogether returns the next message of a type; others are passed over.
func expectTogether[T ipc.Message](s *together) T {
	s.t.Helper()
	for {
		m, _, err := s.master.Recv()
		if err != nil {
			s.t.Fatalf("link: %v; logs %q", err, s.logs)
		}
		if log, ok := m.(*ipc.Log); ok {
			s.logs = append(s.logs, log.Text)
		}
		if want, ok := m.(T); ok {
			return want
		}
	}
}

func (s *together) send(m ipc.Message) {
	s.t.Helper()
	if err := s.master.Send(m); err != nil {
		s.t.Fatal(err)
	}
}

// ends waits for the exit status.
func (s *together) ends(want int) {
	s.t.Helper()
	select {
	case got := <-s.code:
		if got != want {
			s.t.Errorf("exit status %d, want %d", got, want)
		}
	case <-time.After(testDeadline):
		s.t.Fatal("the loop does not end")
	}
}

func (s *together) dial() net.Conn {
	s.t.Helper()
	c, err := net.DialTimeout("tcp", s.addr, testDeadline)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(testDeadline))
	return c
}

func TestTogetherServesAllWorkersOnOneLoop(t *testing.T) {
	s := serveTogether(t, []string{"echo", "chat"}, "-x")
	expectTogether[*ipc.Ready](s)
	c := s.dial()
	fmt.Fprint(c, "env\n")
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil ||
		line != `["-x"] ["-x"] ""`+"\n" {
		t.Errorf("the arguments are %q, %v", line, err)
	}
	var report *ipc.Report
	for report == nil || report.Figures.TotalRequest < 1 { // as of the end of a turn
		s.send(&ipc.AskReport{ID: 1})
		report = expectTogether[*ipc.Report](s)
	}
	want := map[string]int64{"echo/echo": 1, "chat/gateway/gateway": 0, "chat/business/business": 0}
	if fmt.Sprint(report.Workers) != fmt.Sprint(want) {
		t.Errorf("report %+v", report)
	}
	s.send(&ipc.AskConnections{ID: 2})
	if rows := expectTogether[*ipc.Connections](s).Rows; len(rows) != 1 || rows[0].Worker != "echo" {
		t.Errorf("connections %+v", rows)
	}
	s.send(&ipc.Drain{Timeout: testDeadline})
	expectTogether[*ipc.Yielded](s)
	if bye := expectTogether[*ipc.Goodbye](s); bye.Code != ipc.ExitDone {
		t.Errorf("goodbye %+v", bye)
	}
	s.ends(ipc.ExitDone)
	if conn, err := net.Dial("tcp", s.addr); err == nil {
		conn.Close()
		t.Error("the listener is still open")
	}
}

func TestTogetherEndsWithAFailedStart(t *testing.T) {
	s := serveTogether(t, []string{"echo", "chat"}, "fail")
	want := "OnWorkerStart: Worker echo: no database"
	if m := expectTogether[*ipc.Failed](s); m.Text != want || m.Code != ipc.ExitFailed {
		t.Errorf("failed with %+v, want %q", m, want)
	}
	s.ends(ipc.ExitFailed)
}

func TestTogetherEndsWithStopAll(t *testing.T) {
	s := serveTogether(t, []string{"echo"})
	expectTogether[*ipc.Ready](s)
	fmt.Fprint(s.dial(), "stop 7\n")
	if m := expectTogether[*ipc.Failed](s); m.Code != 7 || m.Text != "enough of 7" {
		t.Errorf("failed with %+v", m)
	}
	s.ends(7)
}

// Timers that one Start has added are not forgotten for the next one.
func TestTogetherKeepsTheTimersOfEveryStart(t *testing.T) {
	s := serveTogether(t, []string{"early", "chat"})
	expectTogether[*ipc.Ready](s)
	for len(s.logs) == 0 {
		s.send(&ipc.AskReport{ID: 1})
		expectTogether[*ipc.Report](s)
	}
	if s.logs[0] != "tick" {
		t.Errorf("logs %q", s.logs)
	}
	s.send(&ipc.Drain{Timeout: testDeadline})
	s.ends(ipc.ExitDone)
}

func TestGatherRefuses(t *testing.T) {
	saved := os.Args
	defer func() { os.Args = saved }()
	for _, c := range []struct {
		apps []worker.App
		only []string
		want string
	}{
		{testApps, []string{"nobody"}, "unknown app nobody"},
		{[]worker.App{{Name: "empty", Start: func() {}}}, nil, "no app declares a Worker"},
	} {
		if _, err := Gather(c.apps, c.only, "", nil); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q", c.only, err, c.want)
		}
	}
}
