package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	commandLimit = 3 * time.Minute  // longer than any command may take, builds on a busy machine too
	eventLimit   = 15 * time.Second // for what happens by itself, on a busy machine
)

// service is one run directory with what runs from it. It is made by
// newService, which also sees to it that the end of the test leaves nothing.
type service struct {
	t    testing.TB
	bin  string
	dir  string   // run directory
	cwd  string   // of the commands; empty is that of the test
	env  []string // what the test added to the environment
	mark string   // environment entry by which its processes are found

	ports   []string // addresses that must be free at the end
	killed  bool     // the master was killed: its files stay behind
	mu      sync.Mutex
	journal strings.Builder // what commands printed, for a failed test
}

var marks atomic.Int64

// newService prepares a service of the lab binary with the given environment.
func newService(t testing.TB, env ...string) *service {
	t.Helper()
	t.TempDir() // from here on those of the test outlive the service
	dir, err := os.MkdirTemp("", "wm-run-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, bin: built.lab, dir: dir, env: env}
	s.mark = fmt.Sprintf("E2E_MARK=%d.%d", os.Getpid(), marks.Add(1))
	for _, entry := range env {
		s.ports = append(s.ports, addressesIn(entry)...)
	}
	t.Cleanup(func() { os.RemoveAll(dir) }) // also when finish ends the test
	t.Cleanup(s.finish)
	return s
}

// private gives the service a binary of its own, which the test may replace.
func (s *service) private() {
	s.t.Helper()
	dir := s.t.TempDir()
	s.bin = filepath.Join(dir, "wm")
	if err := install(built.lab, s.bin); err != nil {
		s.t.Fatal(err)
	}
}

// environ is that of all commands of the service.
func (s *service) environ() []string {
	var out []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "WM_") && !strings.HasPrefix(entry, "E2E_") &&
			!strings.HasPrefix(entry, "RUNTIME_DIRECTORY=") {
			out = append(out, entry)
		}
	}
	out = append(out, "CGO_ENABLED=0", "NO_COLOR=1", s.mark, "WM_RUN_DIR="+s.dir)
	return append(out, s.env...)
}

// result is what a command did.
type result struct {
	t      testing.TB
	line   string
	code   int
	out    string // standard output and error as they came
	stdout string
	took   time.Duration
}

// command is a command that may still run.
type command struct {
	cmd    *exec.Cmd
	line   string
	began  time.Time
	stdout lockedBuffer
	both   lockedBuffer
	done   chan struct{}
	err    error
}

// lockedBuffer is written by one goroutine and read by others.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

type teeBuffer struct{ a, b *lockedBuffer }

func (t teeBuffer) Write(p []byte) (int, error) {
	t.a.Write(p)
	return t.b.Write(p)
}

// begin starts a command. Change lets a test set process attributes first.
func (s *service) begin(change func(*exec.Cmd), args ...string) *command {
	s.t.Helper()
	c := &command{cmd: exec.Command(s.bin, args...), done: make(chan struct{})}
	c.line = "wm " + strings.Join(args, " ")
	c.cmd.Env, c.cmd.Dir = s.environ(), s.cwd
	c.cmd.Stdout, c.cmd.Stderr = teeBuffer{&c.both, &c.stdout}, &c.both
	c.cmd.WaitDelay = 5 * time.Second // a daemon that keeps the pipes open shows as an error
	if change != nil {
		change(c.cmd)
	}
	c.began = time.Now()
	if err := startCommand(c.cmd); err != nil {
		s.t.Fatalf("%s: %v", c.line, err)
	}
	go func() { // ends with the command
		c.err = waitCommand(c.cmd)
		close(c.done)
	}()
	return c
}

// wait waits for the end of a command and takes it into the journal.
func (s *service) wait(c *command) result {
	s.t.Helper()
	select {
	case <-c.done:
	case <-time.After(commandLimit):
		c.cmd.Process.Kill()
		<-c.done
		s.note(c, -1)
		s.t.Fatalf("%s: not done after %v; so far:\n%s", c.line, commandLimit, c.both.String())
	}
	r := result{t: s.t, line: c.line, code: c.cmd.ProcessState.ExitCode(), took: time.Since(c.began)}
	r.out, r.stdout = c.both.String(), c.stdout.String()
	s.note(c, r.code)
	if errors.Is(c.err, exec.ErrWaitDelay) {
		s.t.Errorf("%s: something it started keeps its output open", c.line)
	}
	return r
}

func (s *service) note(c *command, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.journal, "$ %s   (status %d, %v)\n%s", c.line, code,
		time.Since(c.began).Round(time.Millisecond), c.both.String())
}

// run runs a command to its end.
func (s *service) run(args ...string) result {
	s.t.Helper()
	return s.wait(s.begin(nil, args...))
}

// start runs `wm start -d`, which must succeed.
func (s *service) start(args ...string) result {
	s.t.Helper()
	r := s.run(append([]string{"start", "-d"}, args...)...)
	return r.wantCode(0)
}

// wantCode ends the test when the command had another exit status.
func (r result) wantCode(want int) result {
	r.t.Helper()
	if r.code != want {
		r.t.Fatalf("%s: exit status %d, want %d\n%s", r.line, r.code, want, r.out)
	}
	return r
}

// wantText reports every piece that the command did not print.
func (r result) wantText(pieces ...string) result {
	r.t.Helper()
	for _, piece := range pieces {
		if !strings.Contains(r.out, piece) {
			r.t.Errorf("%s: no %q in what it printed:\n%s", r.line, piece, r.out)
		}
	}
	return r
}

func (s *service) path(name string) string { return filepath.Join(s.dir, name) }

// log is wm.log as it is now.
func (s *service) log() string {
	text, _ := os.ReadFile(s.path("wm.log"))
	return string(text)
}

// checkRaces looks for what the race detector has said, with E2E_RACE=1.
func (s *service) checkRaces() {
	s.t.Helper()
	said := []string{s.log()}
	if text, err := os.ReadFile(s.path("stdout.log")); err == nil {
		said = append(said, string(text))
	}
	for _, text := range said {
		if i := strings.Index(text, "WARNING: DATA RACE"); i >= 0 {
			s.t.Errorf("a data race:\n%s", text[i:min(i+4000, len(text))])
		}
	}
}

// wantLog waits for a piece of text in wm.log.
func (s *service) wantLog(piece string) {
	s.t.Helper()
	waitFor(s.t, eventLimit, fmt.Sprintf("wm.log has %q", piece), func() bool {
		return strings.Contains(s.log(), piece)
	})
}

// processes lists what lives of the service: master, workers and commands.
func (s *service) processes() []int { return marked(s.mark) }

// waitGone waits until no process of the service lives.
func (s *service) waitGone(limit time.Duration) {
	s.t.Helper()
	waitFor(s.t, limit, "all processes of the service are gone", s.gone())
}

// gone returns what tells whether no process of the service lives. To find them
// takes a look at every process of the machine, which is not done again while one
// that was found lives.
func (s *service) gone() func() bool {
	var found []int
	return func() bool {
		if slices.ContainsFunc(found, alive) {
			return false
		}
		found = s.processes()
		return len(found) == 0
	}
}

// finish stops what still runs and reports whatever is left after that.
func (s *service) finish() {
	s.t.Helper()
	if left := s.processes(); len(left) > 0 {
		s.checkZombies(left)
		if r := s.run("stop"); r.code != 0 {
			s.t.Errorf("wm stop at the end of the test: exit status %d\n%s", r.code, r.out)
		}
	}
	if !poll(eventLimit, s.gone()) {
		for _, pid := range s.processes() {
			s.t.Errorf("left behind: %d %s", pid, title(pid))
			unix.Kill(pid, unix.SIGKILL)
		}
	}
	s.checkFiles()
	s.checkRaces()
	for _, address := range s.ports {
		if !poll(eventLimit, func() bool { return free(address) }) {
			s.t.Errorf("left behind: a listener on %s", address)
		}
	}
	if s.t.Failed() {
		s.t.Logf("--- commands\n%s--- wm.log\n%s", s.journal.String(), s.log())
	}
}

// checkZombies reports exits that a living process of the service did not
// collect.
func (s *service) checkZombies(pids []int) {
	s.t.Helper()
	for _, pid := range pids {
		if !poll(2*time.Second, func() bool { return len(zombies(pid)) == 0 }) {
			s.t.Errorf("%d has not reaped %v", pid, zombies(pid))
		}
	}
}

// checkFiles reports files that only make sense while a master lives.
func (s *service) checkFiles() {
	s.t.Helper()
	if s.killed {
		return
	}
	entries, _ := os.ReadDir(s.dir)
	for _, e := range entries {
		name := e.Name()
		if e.Type()&os.ModeSocket != 0 || strings.HasSuffix(name, ".pid") {
			s.t.Errorf("left behind: %s", s.path(name))
		}
	}
}
