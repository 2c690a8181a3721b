package cli

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

const eventLimit = 10 * time.Second

// fakeMaster holds a run directory and answers commands from a script.
type fakeMaster struct {
	t        *testing.T
	dir      rundir.Dir
	lock     *rundir.Lock
	listener *net.UnixListener
	answer   func(ipc.Request) []ipc.Message
	mortal   []string // commands that end it

	mu    sync.Mutex // guards asked
	asked []ipc.Request
}

// startFake begins a master; answer says what follows a request. Pings are
// answered by itself. It ends after a stop, and after the mortal commands.
func startFake(t *testing.T, answer func(ipc.Request) []ipc.Message, mortal ...string) *fakeMaster {
	t.Helper()
	m := &fakeMaster{t: t, dir: runDir(t), answer: answer}
	m.mortal = append(mortal, ipc.CommandStop)
	var err error
	if m.lock, err = rundir.AcquireLock(m.dir.Lock); err != nil {
		t.Fatal(err)
	}
	if m.listener, err = ipc.ListenControl(m.dir.Socket); err != nil {
		t.Fatal(err)
	}
	go m.accept()
	t.Cleanup(m.end)
	return m
}

func runDir(t *testing.T) rundir.Dir {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	found, err := rundir.Resolve(dir, "", "")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// accept ends with the listener.
func (m *fakeMaster) accept() {
	for {
		sock, err := m.listener.AcceptUnix()
		if err != nil {
			return
		}
		go m.serve(ipc.NewConn(sock)) // ends after one request
	}
}

func (m *fakeMaster) serve(conn *ipc.Conn) {
	defer conn.Close()
	got, _, err := conn.Recv()
	if err != nil {
		return
	}
	request := *got.(*ipc.Request)
	if request.Command == ipc.CommandPing {
		conn.Send(new(ipc.Result))
		return
	}
	m.mu.Lock()
	m.asked = append(m.asked, request)
	m.mu.Unlock()
	for _, answer := range m.answer(request) {
		conn.Send(answer)
	}
	if slices.Contains(m.mortal, request.Command) {
		m.end()
	}
}

// end gives up the run directory, as a master does that ends.
func (m *fakeMaster) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lock != nil {
		os.Remove(m.dir.Socket)
		m.listener.Close()
		m.lock.Release()
		m.lock = nil
	}
}

func (m *fakeMaster) lastAsked() ipc.Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.asked) == 0 {
		m.t.Fatal("the master was not asked")
	}
	return m.asked[len(m.asked)-1]
}

// ran is what one command did.
type ran struct {
	code      int
	out, errs string
}

// command runs one command line against a run directory.
func command(t *testing.T, dir rundir.Dir, args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), eventLimit)
	defer cancel()
	var out, errs bytes.Buffer
	code := Program{}.Run(ctx, append(args, "--run-dir", dir.Path, "--no-build"), &out, &errs)
	return ran{code, out.String(), errs.String()}
}

// wants reports another exit status than code and every piece of text that was
// not printed.
func (r ran) wants(t *testing.T, code int, pieces ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit status %d, want %d", r.code, code)
	}
	for _, piece := range pieces {
		if !strings.Contains(r.out+r.errs, piece) {
			t.Errorf("no %q in what was printed", piece)
		}
	}
	if t.Failed() {
		t.Logf("out:\n%s\nerr:\n%s", r.out, r.errs)
	}
}

// roleVariable makes the test binary a master that holds a run directory but
// does not answer: the tests need a real process with a title and signals.
const roleVariable = "CLI_TEST_MUTE_MASTER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(roleVariable); dir != "" {
		os.Exit(muteMaster(dir))
	}
	os.Exit(m.Run())
}

// muteMaster listens and never accepts. It ends by SIGINT or SIGQUIT.
func muteMaster(path string) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGINT, unix.SIGQUIT)
	dir, err := rundir.Resolve(path, "", "")
	if err != nil {
		return 1
	}
	lock, err := rundir.AcquireLock(dir.Lock)
	if err != nil {
		return 1
	}
	if _, err := ipc.ListenControl(dir.Socket); err != nil {
		return 1
	}
	if err := rundir.WritePidFile(dir.PidFile, os.Getpid()); err != nil {
		return 1
	}
	fmt.Println("ready")
	sig := <-signals
	lock.Release()
	fmt.Println(sig)
	return 0
}

// startMute starts a muteMaster and waits until it holds the run directory.
// output gives what it printed after that, when it has ended.
func startMute(t *testing.T, dir rundir.Dir) (pid int, output func() string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{
		Path: self, Args: []string{rundir.MasterTitle("wm", self)},
		Env: append(os.Environ(), roleVariable+"="+dir.Path),
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	word := make([]byte, len("ready\n"))
	if _, err := pipe.Read(word); err != nil || string(word) != "ready\n" {
		t.Fatalf("the mute master said %q: %v", word, err)
	}
	return cmd.Process.Pid, func() string {
		var rest bytes.Buffer
		rest.ReadFrom(pipe)
		return strings.TrimSpace(rest.String())
	}
}
