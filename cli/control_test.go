package cli

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

func TestNothingRuns(t *testing.T) {
	dir := runDir(t)
	for _, c := range []struct {
		command string
		code    int
	}{
		{"stop", ipc.CodeDone},
		{"status", ipc.CodeNoStatus},
		{"reload", ipc.CodeNotRunning},
		{"upgrade", ipc.CodeNotRunning},
		{"connections", ipc.CodeNotRunning},
	} {
		r := command(t, dir, c.command)
		r.wants(t, c.code, "not run")
		if c.code != ipc.CodeDone {
			r.wants(t, c.code, "not run in "+dir.Path+"; ", " start -d --run-dir "+dir.Path+" starts it")
		}
	}
}

func TestStalePidFileIsMentioned(t *testing.T) {
	dir := runDir(t)
	if err := os.WriteFile(dir.PidFile, []byte("4194304\n"), 0o644); err != nil { // above any pid
		t.Fatal(err)
	}
	command(t, dir, "stop").wants(t, ipc.CodeDone,
		"Master pid:4194304 is not alive; the next start writes its pid file anew", "not run")
	if err := os.WriteFile(dir.PidFile, []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	command(t, dir, "status").wants(t, ipc.CodeNoStatus, "another program", "not run")
}

func TestStatusPrintsWhatTheMasterSays(t *testing.T) {
	m := startFake(t, func(ipc.Request) []ipc.Message {
		snap := &ipc.Snapshot{Schema: ipc.SchemaVersion, Mode: "DAEMON", MasterPID: 77}
		return []ipc.Message{snap, new(ipc.Result)}
	})
	command(t, m.dir, "status").wants(t, ipc.CodeDone, "GLOBAL STATUS", "DAEMON")
	r := command(t, m.dir, "status", "--json")
	r.wants(t, ipc.CodeDone)
	var got ipc.Snapshot
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || got.MasterPID != 77 {
		t.Errorf("JSON: master %d, %v\n%s", got.MasterPID, err, r.out)
	}
}

func TestConnectionsJoinsThePieces(t *testing.T) {
	m := startFake(t, func(ipc.Request) []ipc.Message {
		return []ipc.Message{
			&ipc.ConnectionList{Rows: []ipc.ConnectionRow{{PID: 1, ID: 11}}},
			&ipc.ConnectionList{Rows: []ipc.ConnectionRow{{PID: 1, ID: 12}}},
			new(ipc.Result),
		}
	})
	r := command(t, m.dir, "connections", "--json")
	r.wants(t, ipc.CodeDone, `"id": 11`, `"id": 12`)
}

func TestStopWaitsUntilTheLockIsFree(t *testing.T) {
	for _, c := range []struct {
		args     []string
		graceful bool
		text     string
	}{
		{[]string{"stop"}, false, "is stopping ..."},
		{[]string{"stop", "-g"}, true, "is gracefully stopping ..."},
	} {
		m := startFake(t, func(ipc.Request) []ipc.Message { return []ipc.Message{new(ipc.Result)} })
		command(t, m.dir, c.args...).wants(t, ipc.CodeDone, c.text, "stop success")
		if got := m.lastAsked().Graceful; got != c.graceful {
			t.Errorf("%v: asked gracefully: %v", c.args, got)
		}
		if held, _ := rundir.Held(m.dir.Lock); held {
			t.Errorf("%v returned while the lock was held", c.args)
		}
	}
}

// A status that comes while the master ends says that nothing runs.
func TestMasterThatEndsMeanwhile(t *testing.T) {
	m := startFake(t, func(ipc.Request) []ipc.Message { return nil }, ipc.CommandStatus)
	command(t, m.dir, "status").wants(t, ipc.CodeNoStatus, "not run")
}

// A master that ends without a result has stopped all the same.
func TestStopTakesTheEndOfTheMasterForAnAnswer(t *testing.T) {
	m := startFake(t, func(ipc.Request) []ipc.Message { return nil })
	command(t, m.dir, "stop").wants(t, ipc.CodeDone, "stop success")
}

func TestStopFallsBackToASignal(t *testing.T) {
	for _, c := range []struct{ flag, signal string }{{"", "interrupt"}, {"-g", "quit"}} {
		dir := runDir(t)
		_, output := startMute(t, dir)
		args := append([]string{"stop"}, strings.Fields(c.flag)...)
		command(t, dir, args...).wants(t, ipc.CodeDone, "stop success")
		if got := output(); got != c.signal {
			t.Errorf("stop %s: the master got %q, want %q", c.flag, got, c.signal)
		}
	}
}

func TestASuspendedMasterIsATimeout(t *testing.T) {
	dir := runDir(t)
	pid, _ := startMute(t, dir)
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(eventLimit); !suspended(pid); {
		if time.Now().After(deadline) {
			t.Fatal("not suspended")
		}
	}
	command(t, dir, "status").wants(t, ipc.CodeTimeout, "is suspended")
}

func TestRefusedByTheMaster(t *testing.T) {
	m := startFake(t, func(ipc.Request) []ipc.Message {
		refused := &ipc.Result{Code: ipc.CodeDenied, Text: "uid 99 may not command this master"}
		return []ipc.Message{refused}
	})
	command(t, m.dir, "status").wants(t, ipc.CodeDenied, "uid 99")
	command(t, m.dir, "reload").wants(t, ipc.CodeDenied, "uid 99")
}

// reloading answers a reload with messages, and says what it runs before.
func reloading(messages ...ipc.Message) func(ipc.Request) []ipc.Message {
	return func(r ipc.Request) []ipc.Message {
		if r.Command == ipc.CommandStatus {
			self, _ := os.Executable()
			return []ipc.Message{&ipc.Snapshot{Executable: self}, new(ipc.Result)}
		}
		return messages
	}
}

func TestReloadPrintsStepsAndResult(t *testing.T) {
	m := startFake(t, reloading(
		&ipc.Progress{Kind: "probe", Text: "hello"},
		&ipc.Progress{Kind: "replaced", Text: "hello/0 pid 5 took the seat of pid 4"},
		&ipc.Result{Text: "generation 2 is live, 1 processes"},
	))
	r := command(t, m.dir, "reload", "-g")
	r.wants(t, ipc.CodeDone, "hello/0 pid 5 took the seat of pid 4", "reload success: generation 2")
	if strings.Contains(r.out, "probe") {
		t.Errorf("the probe is shown:\n%s", r.out)
	}
	if got := m.lastAsked(); !got.Graceful || got.NoWait || got.Binary != "" {
		t.Errorf("asked %+v", got)
	}
	r = command(t, m.dir, "reload", "-q", "--no-wait")
	r.wants(t, ipc.CodeDone, "reload requested")
	if strings.Contains(r.out, "took the seat") {
		t.Errorf("steps in spite of -q:\n%s", r.out)
	}
}

// The binary that was typed is not the one that runs: it must not take its
// place.
func TestReloadOfAnotherBinary(t *testing.T) {
	m := startFake(t, func(r ipc.Request) []ipc.Message {
		return []ipc.Message{&ipc.Snapshot{Executable: "/opt/other/wm"}, new(ipc.Result)}
	})
	command(t, m.dir, "reload").wants(t, ipc.CodeDone, "/opt/other/wm")
	if got := m.lastAsked(); got.Binary != "" || got.InstallAs != "" {
		t.Errorf("asked %+v", got)
	}
}

func TestFailedReload(t *testing.T) {
	m := startFake(t, reloading(
		&ipc.Progress{Kind: "rollback", Text: "hello/1 was not ready: exit status 3"},
		&ipc.Result{Code: ipc.CodeFailed, Text: "hello/1 was not ready: exit status 3"},
	))
	command(t, m.dir, "reload").wants(t, ipc.CodeFailed, "rollback", "exit status 3")
}

// The master went away in the middle of its answer.
func TestMasterGoneBeforeTheResult(t *testing.T) {
	m := startFake(t, func(ipc.Request) []ipc.Message { return nil })
	command(t, m.dir, "status").wants(t, ipc.CodeFailed, "the master is gone")
}

func TestStartWhenRunning(t *testing.T) {
	m := startFake(t, func(ipc.Request) []ipc.Message { return nil })
	command(t, m.dir, "start").wants(t, ipc.CodeDone, "start in DEBUG mode", "already running")
	command(t, m.dir, "start", "-d").wants(t, ipc.CodeDone, "start in DAEMON mode", "already running")
}

func TestRunDirectoryOfOthersIsRefused(t *testing.T) {
	dir := runDir(t)
	if err := os.Chmod(dir.Path, 0o777); err != nil {
		t.Fatal(err)
	}
	command(t, dir, "start", "-d").wants(t, ipc.CodeDenied, "--run-dir")
	command(t, dir, "restart", "-d").wants(t, ipc.CodeDenied, "--run-dir")
}
