package child

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/worker"
)

// echoSpec is what the master knows of startEcho's Worker.
func echoSpec() ipc.Spec {
	return ipc.Spec{App: "echo", Key: "echo/echo", Name: "echo", Transport: "tcp",
		Protocol: "text", Network: "tcp", Host: "127.0.0.1:0", MaxProcs: 2,
		StopTimeout: testDeadline}
}

// echo is the hand-over of the first process of that Worker.
func echo(args ...string) ipc.Handover {
	return ipc.Handover{Role: ipc.RoleWorker, Args: args,
		Worker: &ipc.WorkerHandover{Spec: echoSpec(), Slot: 2, Generation: 7, Seated: true}}
}

// run starts a process and waits until it is ready.
func run(t *testing.T, h ipc.Handover) *started {
	t.Helper()
	s := begin(t, h)
	if hello := expect[*ipc.Hello](s); *hello != (ipc.Hello{PID: s.cmd.Process.Pid,
		Version: worker.Version}) {
		t.Errorf("hello %+v", hello)
	}
	expect[*ipc.Ready](s)
	return s
}

func TestWorkerProcessServesAndLeaves(t *testing.T) {
	s := run(t, echo())
	c := s.dial()
	c.ask("hé", "hé")

	s.send(&ipc.AskReport{ID: 11})
	report := expect[*ipc.Report](s)
	if report.ID != 11 || report.Figures.DroppedLogLines != 0 || report.Figures.SendFail != 0 {
		t.Errorf("report %+v", report)
	}
	s.send(&ipc.AskConnections{ID: 12})
	var rows []ipc.ConnectionRow
	for {
		piece := expect[*ipc.Connections](s)
		if rows = append(rows, piece.Rows...); piece.ID != 12 {
			t.Errorf("connections of id %d", piece.ID)
		}
		if piece.Last {
			break
		}
	}
	if len(rows) != 1 {
		t.Fatalf("%d connections, want 1: %+v", len(rows), rows)
	}
	if r := rows[0]; r.PID != s.cmd.Process.Pid || r.Worker != "echo" || r.Protocol != "text" ||
		r.Local != s.addr || r.Foreign != c.conn.LocalAddr().String() || !r.IPv4 || r.BytesR != 4 {
		t.Errorf("connection %+v", r)
	}

	s.send(&ipc.Drain{Timeout: testDeadline})
	expect[*ipc.Yielded](s)
	c.closed()
	s.leaves(ipc.ExitDone)
	if got := strings.Join(s.logs, "|"); got != "OnWorkerStop" {
		t.Errorf("logs %q, want OnWorkerStop alone", got)
	}
}

func TestAuthorSeesNothingOfTheHandover(t *testing.T) {
	s := run(t, echo("-x", "a b"))
	s.dial().ask("env", `["-x" "a b"] ["-x" "a b"] ""`)
	proc := "/proc/" + strconv.Itoa(s.cmd.Process.Pid)
	comm, err := os.ReadFile(proc + "/comm")
	if err != nil || string(comm) != "wm\n" {
		t.Errorf("comm %q, %v", comm, err)
	}
	entries, err := os.ReadDir(proc + "/fdinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err != nil || fd <= 2 {
			continue
		}
		info, err := os.ReadFile(proc + "/fdinfo/" + entry.Name())
		if err != nil {
			continue // closed meanwhile: a connection
		}
		flags, _, _ := strings.Cut(after2(string(info), "flags:\t"), "\n")
		if bits, err := strconv.ParseUint(flags, 8, 64); err != nil || bits&unix.O_CLOEXEC == 0 {
			target, _ := os.Readlink(proc + "/fd/" + entry.Name())
			t.Errorf("descriptor %s (%s) is not close-on-exec: %q", entry.Name(), target, info)
		}
	}
}

// after2 returns what follows sep in s.
func after2(s, sep string) string {
	_, rest, _ := strings.Cut(s, sep)
	return rest
}

func TestTimersWaitForTheSeat(t *testing.T) {
	started, early := echo("tick"), echo()
	early.Worker.Spec.App, early.Worker.Spec.Key = "early", "early/echo"
	t.Run("of OnWorkerStart", func(t *testing.T) { testSeat(t, started) })
	t.Run("of Start", func(t *testing.T) { testSeat(t, early) })
}

func testSeat(t *testing.T, h ipc.Handover) {
	h.Worker.Seated = false
	s := run(t, h)
	for range 20 { // answers take longer than the timer's millisecond
		s.dial().ask("x", "x")
	}
	s.send(&ipc.AskReport{ID: 1})
	expect[*ipc.Report](s)
	if len(s.logs) > 0 {
		t.Errorf("before it was seated: %q", s.logs)
	}
	s.send(&ipc.Seated{})
	s.expectLog("tick")
	s.send(&ipc.Drain{})
	expect[*ipc.Yielded](s)
	s.leaves(ipc.ExitDone)
}

func TestBlockedLoopIsReported(t *testing.T) {
	s := run(t, echo())
	s.dial().ask("block", "blocked")
	var busy time.Duration
	for id := uint64(1); busy < 10*time.Millisecond; id++ {
		s.send(&ipc.AskReport{ID: id})
		busy = expect[*ipc.Report](s).Figures.Busy
	}
	s.send(&ipc.AskConnections{ID: 1})
	s.send(&ipc.Drain{Timeout: 250 * time.Millisecond})
	if got := expect[*ipc.Waiting](s).Text; !strings.HasPrefix(got, "busy ") ||
		!strings.HasSuffix(got, " s in a callback") {
		t.Errorf("waiting for %q", got)
	}
}

func TestMismatchIsSaidAndEndsTheProcess(t *testing.T) {
	cases := map[string]struct {
		change func(*ipc.Spec)
		want   []string
	}{
		"app": {func(s *ipc.Spec) { s.App = "gone" }, []string{"app gone is not in this binary"}},
		"Worker": {func(s *ipc.Spec) { s.Key = "echo/2" },
			[]string{"declares no Worker echo/2", "only echo/echo"}},
		"host": {func(s *ipc.Spec) { s.Host = "127.0.0.1:9" },
			[]string{"Worker echo/echo", "tcp 127.0.0.1:0", "tcp 127.0.0.1:9", "echo_test.go:"}},
		"network":   {func(s *ipc.Spec) { s.Network = "unix" }, []string{"on unix 127.0.0.1:0"}},
		"transport": {func(s *ipc.Spec) { s.Transport = "ssl" }, []string{"text over ssl"}},
		"protocol":  {func(s *ipc.Spec) { s.Protocol = "" }, []string{"no protocol over tcp"}},
		"main":      {func(s *ipc.Spec) { s.App, s.Key = "main", "main/1" }, []string{"none at all"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			h := echo()
			tc.change(&h.Worker.Spec)
			s := begin(t, h)
			expect[*ipc.Hello](s)
			failed := expect[*ipc.Failed](s)
			for _, want := range tc.want {
				if failed.Code != ipc.ExitMismatch || !strings.Contains(failed.Text, want) {
					t.Errorf("failed with %+v, want %q", failed, want)
				}
			}
			s.leaves(ipc.ExitMismatch)
		})
	}
}

func TestFailedStartIsSaid(t *testing.T) {
	s := begin(t, echo("fail"))
	expect[*ipc.Hello](s)
	failed := expect[*ipc.Failed](s)
	if want := (ipc.Failed{Code: 250, Text: "OnWorkerStart: no database"}); *failed != want {
		t.Errorf("failed with %+v, want %+v", failed, want)
	}
	s.leaves(ipc.ExitFailed)
}

func TestStopAllEndsTheProcess(t *testing.T) {
	s := run(t, echo())
	s.dial().write("stop 7\n")
	failed := expect[*ipc.Failed](s)
	if want := (ipc.Failed{Code: 7, Text: "enough of 7"}); *failed != want {
		t.Errorf("failed with %+v, want %+v", failed, want)
	}
	s.leaves(7)

	s = run(t, echo())
	s.dial().write("stop 0\n")
	s.expectLog("OnWorkerStop")
	s.expectLog("enough of 0")
	s.leaves(ipc.ExitDone)
}

func TestCrashLeavesLastWords(t *testing.T) {
	s := run(t, echo())
	s.dial().write("panic\n")
	if m, _, err := s.link.Recv(); !ipc.Gone(err) {
		t.Errorf("got %v, %v, want the end of the link", m, err)
	}
	s.exits(2)
	if words := <-s.words; !strings.Contains(words, "panic: in a goroutine") ||
		!strings.Contains(words, "onEchoMessage") {
		t.Errorf("last words %q", words)
	}
}

func TestDumpShowsWhereALoopHangs(t *testing.T) {
	s := run(t, echo())
	s.dial().ask("block", "blocked")
	s.send(&ipc.Dump{})
	s.hangUp() // the orphan has time enough for the dump
	s.exits(ipc.ExitOrphan)
	if words := <-s.words; !strings.Contains(words, "child.onEchoMessage") {
		t.Errorf("last words %q", words)
	}
}

// The loop must go on though the master reads nothing.
func TestUnreadLinkDoesNotBlockTheLoop(t *testing.T) {
	s := run(t, echo())
	c := s.dial()
	c.ask("flood 5000", "flooded")
	c.ask("x", "x")
	s.send(&ipc.AskReport{ID: 1})
	figures := expect[*ipc.Report](s).Figures
	if got := len(s.logs) + int(figures.DroppedLogLines); figures.DroppedLogLines == 0 || got != 5000 {
		t.Errorf("%d lines arrived, %d dropped, want 5000", len(s.logs), figures.DroppedLogLines)
	}
}

func TestHandoverThatCannotBeUsed(t *testing.T) {
	cases := map[string]struct {
		h    ipc.Handover
		want string
	}{
		"master":    {ipc.Handover{Role: ipc.RoleMaster}, `role "master" is neither`},
		"no Worker": {ipc.Handover{Role: ipc.RoleWorker}, "no Worker in it"},
		"no link":   {ipc.Handover{Role: ipc.RoleProbe, Link: 1}, "link: descriptor 1"},
		"wrong link": {ipc.Handover{Role: ipc.RoleProbe, Link: 900},
			"link: descriptor 900"},
		"wrong listener": {ipc.Handover{Role: ipc.RoleWorker, Worker: &ipc.WorkerHandover{
			Spec: echoSpec(), Listener: 4}}, "listener: descriptor 4: socket operation on non-socket"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := begin(t, tc.h)
			s.exits(ipc.ExitHandover)
			if words := <-s.words; !strings.Contains(words, tc.want) {
				t.Errorf("last words %q, want %q", words, tc.want)
			}
		})
	}
}

func TestMainProgramsWorker(t *testing.T) {
	h := echo()
	h.Worker.Spec.App, h.Worker.Spec.Key = "main", "main/embedded"
	s := begin(t, h, mainProgramVariable+"=1")
	expect[*ipc.Hello](s)
	expect[*ipc.Ready](s)
	s.dial().write("one\n")
	s.signal(syscall.SIGTERM)
	s.leaves(ipc.ExitDone)
}
