package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// editions makes binaries that differ in the number that /build answers.
type editions struct {
	t      *testing.T
	s      *service
	first  []byte
	number int // of the one that has the service's name
}

const firstEdition = "edition-0000"

func newEditions(t *testing.T, s *service) *editions {
	t.Helper()
	s.bin = filepath.Join(t.TempDir(), "wm")
	if err := goBuild(built.tree, s.bin, firstEdition); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(s.bin)
	if err != nil {
		t.Fatal(err)
	}
	return &editions{t: t, s: s, first: text}
}

// next puts the next edition under the service's name, by rename.
func (e *editions) next() {
	e.t.Helper()
	e.number++
	text := bytes.ReplaceAll(e.first, []byte(firstEdition), fmt.Appendf(nil, "edition-%04d", e.number))
	from := e.s.bin + ".edition"
	if err := os.WriteFile(from, text, 0o755); err != nil {
		e.t.Fatal(err)
	}
	if err := install(from, e.s.bin); err != nil {
		e.t.Fatal(err)
	}
}

// editionAt asks the service which edition answers. A process that is killed
// may take a connection with it, so it is asked again.
func editionAt(address string) (n int, err error) {
	for range 5 {
		var text string
		if text, err = fetch(address, "/build", replyLimit); err == nil {
			return strconv.Atoi(strings.TrimPrefix(text, "edition-"))
		}
	}
	return 0, err
}

// crowd is many commands at once. Of each it is checked what was true when it
// returned.
type crowd struct {
	s      *service
	wg     sync.WaitGroup
	mu     sync.Mutex // guards codes
	codes  map[int]int
	failed []string // what those said that returned 1
}

// begin starts a reload; live is called as soon as it has returned 0.
func (c *crowd) begin(live func() error, args ...string) {
	cmd := c.s.begin(nil, append([]string{"reload"}, args...)...)
	c.wg.Go(func() {
		r := c.s.wait(cmd)
		if r.code == 0 {
			if err := live(); err != nil {
				c.s.t.Errorf("%s returned 0, and then: %v\n%s", r.line, err, r.out)
			}
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.codes[r.code]++
		if r.code == 1 {
			c.failed = append(c.failed, r.out)
		}
	})
}

// crashOne kills a process of a Worker, if there is one that did not leave just now.
func (s *service) crashOne(worker string) {
	s.t.Helper()
	if pids := s.snapshot().pidsOf(worker); len(pids) > 0 {
		unix.Kill(pids[0], unix.SIGKILL)
	}
}

// wantOneGeneration looks at the end state: exactly count processes of one
// generation, nothing else, no zombie.
func (s *service) wantOneGeneration(worker string, count int) snapshot {
	s.t.Helper()
	snap := s.waitSnapshot("one generation", func(snap snapshot) bool {
		return snap.State == "running" && snap.whole(worker, count) == nil &&
			len(snap.Processes) == count && !slices.ContainsFunc(snap.Processes,
			func(p process) bool { return p.Generation != snap.Processes[0].Generation })
	})
	waitFor(s.t, eventLimit, "no process outside the table", func() bool {
		return len(s.processes()) == count+1 && len(childrenOf(snap.MasterPID)) == count
	})
	s.checkZombies([]int{snap.MasterPID})
	return snap
}

// Reloads, binaries, crashes, signals and renewals at once: the end is whole,
// and no command says that code is live which is not.
func TestFiftyReloadsAtOnce(t *testing.T) {
	t.Parallel()
	const count = 3
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, fmt.Sprintf("E2E_COUNT=%d", count),
		"E2E_MAX_REQUESTS=20", "E2E_STOP_TIMEOUT=3s")
	e := newEditions(t, s)
	s.start()
	before := s.snapshot()
	all := &crowd{s: s, codes: map[int]int{}}
	for i := range 50 {
		switch i % 10 {
		case 1:
			e.next()
		case 3: // renewals become due
			for range 25 {
				editionAt(address)
			}
		case 5:
			s.crashOne("web")
		case 7:
			sig := []unix.Signal{unix.SIGUSR1, unix.SIGUSR2, unix.SIGHUP}[i/10%3]
			kill(t, before.MasterPID, sig)
		}
		asked := e.number
		all.begin(func() error {
			if n, err := editionAt(address); err != nil || n < asked {
				return fmt.Errorf("edition %d answers, asked for %d: %v", n, asked, err)
			}
			return nil
		}, [][]string{nil, {"-g"}}[i%2]...)
	}
	all.wg.Wait()
	t.Logf("exit statuses: %v", all.codes)
	if all.codes[0]+all.codes[1] != 50 {
		t.Errorf("exit statuses %v, want 0 and 1 only", all.codes)
	}
	for _, out := range all.failed {
		if !strings.Contains(out, "was not ready") { // a process that this test killed
			t.Errorf("failed without a reason:\n%s", out)
		}
	}
	s.wantOneGeneration("web", count)
	s.run("reload").wantCode(0)
	if n, err := editionAt(address); n != e.number || err != nil {
		t.Errorf("edition %d answers in the end, want %d: %v", n, e.number, err)
	}
	if after := s.wantOneGeneration("web", count); after.MasterPID != before.MasterPID {
		t.Errorf("master %d became %d", before.MasterPID, after.MasterPID)
	}
}

// The same with a stop among them: nothing is left, and everybody is told.
func TestFiftyReloadsAndAStop(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=3", "E2E_STOP_TIMEOUT=3s")
	e := newEditions(t, s)
	s.start()
	master := s.snapshot().MasterPID
	all := &crowd{s: s, codes: map[int]int{}}
	var stop *command
	var stopping sync.Mutex // guards stopped
	stopped := false
	for i := range 50 {
		switch i {
		case 10, 20:
			e.next()
		case 15:
			s.crashOne("web")
		case 12, 22:
			kill(t, master, unix.SIGUSR1)
		case 25:
			stopping.Lock()
			stop, stopped = s.begin(nil, "stop"), true
			stopping.Unlock()
		}
		asked := e.number
		all.begin(func() error {
			n, err := editionAt(address)
			stopping.Lock()
			defer stopping.Unlock()
			if !stopped && (err != nil || n < asked) || err == nil && n < asked {
				return fmt.Errorf("edition %d answers, asked for %d: %v", n, asked, err)
			}
			return nil
		})
	}
	s.wait(stop).wantCode(0)
	all.wg.Wait()
	t.Logf("exit statuses: %v", all.codes)
	if all.codes[0]+all.codes[1]+all.codes[7] != 50 {
		t.Errorf("exit statuses %v, want 0, 1 and 7 only", all.codes)
	}
	for _, out := range all.failed {
		if !strings.Contains(out, "the service is stopping") && !strings.Contains(out, "was not ready") {
			t.Errorf("failed without a reason:\n%s", out)
		}
	}
	s.waitGone(lingerLimit)
	s.run("status").wantCode(3)
}

// In a source tree each would build; those that waited for the build of another
// that began after them share it.
func TestFiftyReloadsBuildAFewTimes(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_EXTRA_A="+address)
	apps := s.newTree()
	dropIn(t, apps, "extra")
	s.start()
	names := []string{"first", "second", "third"}
	all := &crowd{s: s, codes: map[int]int{}}
	for i := range 50 {
		if i%25 == 0 {
			edit(t, apps, "extra", `"`+names[i/25]+` "`, `"`+names[i/25+1]+` "`)
		}
		if i == 30 {
			s.crashOne("extra")
		}
		asked := i/25 + 1
		all.begin(func() error {
			for {
				c, err := dialClient(address, replyLimit)
				if err != nil {
					return err
				}
				got, err := c.line("x", replyLimit)
				c.conn.Close()
				if err != nil {
					continue // it was killed
				}
				if n := slices.Index(names, strings.TrimSuffix(got, " x")); n < asked {
					return fmt.Errorf("%q answers, asked for %s", got, names[asked])
				}
				return nil
			}
		})
	}
	all.wg.Wait()
	t.Logf("exit statuses: %v", all.codes)
	if all.codes[0]+all.codes[1] != 50 {
		t.Errorf("exit statuses %v", all.codes)
	}
	snap := s.wantOneGeneration("extra", 2)
	t.Logf("generation %d after 50 reloads", snap.Generation)
	if snap.Generation > 10 {
		t.Errorf("generation %d: the builds are not shared", snap.Generation)
	}
	s.run("reload").wantCode(0)
	wantEdition(t, address, "third")
	wantNoScratch(t, filepath.Dir(s.bin))
}

// A compile error is shown to everybody who waited, and tried a few times only.
func TestReloadsShareACompileError(t *testing.T) {
	t.Parallel()
	web := freeAddress(t)
	s := newService(t, "E2E_HTTP="+web, "E2E_COUNT=1")
	apps := s.newTree()
	s.start()
	before := s.snapshot()
	dropIn(t, apps, "broken")
	var commands []*command
	for range 10 {
		commands = append(commands, s.begin(nil, "reload"))
	}
	shared := 0
	for _, c := range commands {
		r := s.wait(c).wantCode(1).wantText("thisNameDoesNotExist", "build failed")
		if strings.Contains(r.out, "the build of process") {
			shared++
		}
	}
	t.Logf("%d of 10 commands shared a failure", shared)
	if shared == 0 {
		t.Error("every command has built")
	}
	s.snapshot().wantSame(t, before, "web")
	remove(t, apps, "broken")
	s.run("reload").wantCode(0)
}

// A process that ignores its drain delays its own reload, not the next one.
func TestBlockedProcessDoesNotDelayTheNextReload(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=2", "E2E_STOP_TIMEOUT=15s")
	s.private()
	s.start()
	old := s.snapshot().pidsOf("web")[0]
	c := clientOf(t, address, old)
	fmt.Fprintf(c.conn, "GET /block?n=60000 HTTP/1.1\r\nHost: e2e\r\n\r\n")
	first := s.begin(nil, "reload")
	s.waitSnapshot("the first is live", func(snap snapshot) bool {
		return snap.Generation == 2 && snap.State == "reloading"
	})
	if err := install(built.labB, s.bin); err != nil {
		t.Fatal(err)
	}
	s.run("reload").wantCode(0).wantText("generation 3 is live")
	for range 4 {
		if got := mustFetch(t, address, "/build"); got != "b" {
			t.Errorf("build %q answers", got)
		}
	}
	select {
	case <-first.done:
		t.Error("the first reload has returned")
	default:
	}
	if !alive(old) {
		t.Error("the blocked process is gone already")
	}
	s.wait(first).wantCode(0).wantText("generation 2 went live", "had to be killed")
	s.wantOneGeneration("web", 2)
}
