package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	pollEvery = 5 * time.Millisecond // how often a condition is looked at while waiting for it
	askEvery  = 8 * pollEvery        // the same where looking is a whole command
)

// poll waits until ok says yes; false when it did not within limit.
func poll(limit time.Duration, ok func() bool) bool { return pollAt(pollEvery, limit, ok) }

func pollAt(every, limit time.Duration, ok func() bool) bool {
	end := time.Now().Add(limit)
	for !ok() {
		if time.Now().After(end) {
			return false
		}
		time.Sleep(every)
	}
	return true
}

// waitFor ends the test when ok does not say yes within limit.
func waitFor(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	if !poll(limit, ok) {
		t.Fatalf("after %v still not: %s", limit, what)
	}
}

// children guards the commands of this process against reapAdopted: a command
// is started under the read lock and is in own until it was waited for.
var children = struct {
	sync.RWMutex
	own sync.Map // pid of a command -> true
}{}

// startCommand starts cmd so that its exit status is left for its own Wait.
func startCommand(cmd *exec.Cmd) error {
	children.RLock()
	defer children.RUnlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	children.own.Store(cmd.Process.Pid, true)
	return nil
}

func waitCommand(cmd *exec.Cmd) error {
	err := cmd.Wait()
	children.own.Delete(cmd.Process.Pid)
	return err
}

// runCommand runs a helper that is not the product and returns its output.
func runCommand(cmd *exec.Cmd) (string, error) {
	var out lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := startCommand(cmd); err != nil {
		return "", err
	}
	err := waitCommand(cmd)
	return out.String(), err
}

// reapAdopted collects detached processes that ended, as an init does, until
// stop is called.
func reapAdopted() (stop func()) {
	done, gone := make(chan struct{}), make(chan struct{})
	go func() { // ends by stop
		defer close(gone)
		tick := time.NewTicker(pollEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				reapOnce()
			}
		}
	}()
	return func() { close(done); <-gone }
}

// reapOnce looks for an exit first, which costs next to nothing.
func reapOnce() {
	var ended unix.Siginfo
	err := unix.Waitid(unix.P_ALL, 0, &ended, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	if err != nil || ended.Signo == 0 {
		return
	}
	children.Lock()
	defer children.Unlock()
	for _, pid := range childrenOf(os.Getpid()) {
		if _, own := children.own.Load(pid); !own {
			unix.Wait4(pid, nil, unix.WNOHANG, nil)
		}
	}
}

// childrenOf lists the children of all threads of pid.
func childrenOf(pid int) []int {
	var out []int
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, f := range files {
		text, _ := os.ReadFile(f)
		for _, word := range strings.Fields(string(text)) {
			n, _ := strconv.Atoi(word)
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// pids lists every process of the machine.
func pids() []int {
	var out []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// marked lists the living processes whose environment has the entry.
func marked(entry string) []int {
	var out []int
	for _, pid := range pids() {
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err == nil && strings.Contains("\x00"+string(env), "\x00"+entry+"\x00") && alive(pid) {
			out = append(out, pid)
		}
	}
	return out
}

// procState is the letter of /proc/PID/stat, 0 when the process is gone.
func procState(pid int) byte {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, found := strings.Cut(string(text), ") ")
	if !found || rest == "" {
		return 0
	}
	return rest[0]
}

// alive is false for a zombie. The descriptors of one may stay open a moment
// longer, while its other threads end.
func alive(pid int) bool {
	s := procState(pid)
	return s != 0 && s != 'Z' && s != 'X'
}

// zombies lists the children of pid that ended and were not reaped.
func zombies(pid int) []int {
	return slices.DeleteFunc(childrenOf(pid), func(c int) bool { return procState(c) != 'Z' })
}

// statusField is one line of /proc/PID/status, without its name.
func statusField(t testing.TB, pid int, name string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("no %s in the status of %d", name, pid)
	return ""
}

func title(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.TrimSpace(strings.ReplaceAll(string(text), "\x00", " "))
}

// descriptors maps the open descriptors of pid to what they point to.
func descriptors(pid int) map[int]string {
	out := map[int]string{}
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		n, _ := strconv.Atoi(e.Name())
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			out[n] = to
		}
	}
	return out
}

func openDescriptors() int { return len(descriptors(os.Getpid())) }

func kill(t testing.TB, pid int, sig unix.Signal) {
	t.Helper()
	if pid <= 1 {
		t.Fatalf("refuse to send %v to %d", sig, pid)
	}
	if err := unix.Kill(pid, sig); err != nil {
		t.Fatalf("send %v to %d: %v", sig, pid, err)
	}
}

// waitAsleep waits until no thread of the processes runs or wants to.
func waitAsleep(t testing.TB, pids []int) {
	t.Helper()
	waitFor(t, eventLimit, "all threads sleep", func() bool {
		for _, pid := range pids {
			tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
			for _, task := range tasks {
				text, err := os.ReadFile(task)
				_, rest, _ := strings.Cut(string(text), ") ")
				if err == nil && !strings.HasPrefix(rest, "S") {
					return false
				}
			}
		}
		return true
	})
}
