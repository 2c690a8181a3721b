package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// A process that spreads its closes goes on at its rate, and has the time for it
// that it has asked for.
func TestUpgradeCarriesThePaceOfWebsockets(t *testing.T) {
	t.Parallel()
	const clients, rate = 120, 40
	address := freeAddress(t)
	s := newService(t, "E2E_WS="+address, "E2E_COUNT=1", fmt.Sprintf("E2E_DRAIN_RATE=%d", rate))
	s.own(built.lab)
	s.start()
	f := newFleet(address, clients)
	waitFor(t, 2*eventLimit, "all websockets to be open", func() bool {
		return f.open.Load() == clients
	})
	old := s.snapshot().pidsOf("echo-websocket")[0]
	labNext.binary(t) // to be there in time
	began := time.Now()
	reload := s.begin(nil, "reload")
	waitFor(t, eventLimit, "the first close", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.told) > 0
	})
	s.upgradeNow()
	row, _ := s.snapshot().process(old)
	t.Logf("after the upgrade: %+v", row)
	s.wait(reload).wantCode(0).wantText("reload success")
	waitFor(t, eventLimit, "all websockets to be open again", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.ends[codeRestart] == clients && f.open.Load() == clients
	})
	told, heard := f.closedSince()
	for i, at := range told {
		// Ahead of its rate is a process by 10 ms at most, see worker/pace.go.
		if most := rate*at.Sub(began).Seconds() + 2; float64(i+1) > most {
			t.Fatalf("%d websockets were closed %v after the reload began, want %.0f at most",
				i+1, at.Sub(began), most)
		}
	}
	snap := s.waitWhole("echo-websocket", 1)
	if heard != clients || snap.exitCount("echo-websocket", 9) != 0 {
		t.Errorf("%d of %d clients were told, exits %v", heard, clients, snap.Exits)
	}
	f.ending.Store(true)
	s.run("stop").wantCode(0)
	f.group.Wait()
	if len(f.faults) > 0 {
		t.Errorf("%d faults: %s", len(f.faults), strings.Join(f.faults[:min(5, len(f.faults))], "\n"))
	}
}

// A process that is starting is waited for as long as it would have been.
func TestUpgradeCarriesAStart(t *testing.T) {
	t.Parallel()
	path, entry := failFile(t, "")
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=1", entry, "E2E_READY_TIMEOUT=10s")
	s.own(built.lab)
	s.start()
	labNext.binary(t) // to be there in time
	write(t, path, "0 hold")
	kill(t, s.snapshot().pidsOf("web")[0], sigKill)
	var held int
	s.waitSnapshot("a process that starts", func(snap snapshot) bool {
		for _, p := range snap.Processes {
			if p.State == "starting" {
				held = p.PID
			}
		}
		return held > 0
	})
	s.upgradeNow()
	if row, _ := s.snapshot().process(held); row.State != "starting" {
		t.Errorf("the process that starts is shown as %+v", row)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s.wantLog(fmt.Sprintf("worker[web/web/0:%d] is not ready within 10s, is killed", held))
	s.waitWhole("web", 1)
}

// What is counted up to a limit is counted on.
func TestUpgradeCarriesLimitsOfALife(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, limit, path, cause string
		before, after            int // requests
	}{
		{"memory", "E2E_MAX_MEMORY=209715200", "/keep?n=1000000", " MiB, is renewed", 3, 250},
		{"requests", "E2E_MAX_REQUESTS=60", "/", " requests, is renewed", 30, 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1", c.limit)
			s.own(built.lab)
			s.start()
			old := s.snapshot().pidsOf("web")[0]
			for range c.before {
				mustFetch(t, address, c.path)
			}
			s.upgradeNow()
			if strings.Contains(s.log(), "is renewed") {
				t.Error("the limit was reached before the upgrade")
			}
			for range c.after {
				mustFetch(t, address, c.path)
			}
			s.wantLog(fmt.Sprintf("worker[web/web/0:%d] ", old))
			s.wantLog(c.cause)
			waitFor(t, eventLimit, "the old process is gone", func() bool { return !alive(old) })
			snap := s.waitWhole("web", 1)
			if snap.exitCount("web", 9) != 0 {
				t.Errorf("it was killed: %v", snap.Exits)
			}
		})
	}
}

// A command that connects and asks nothing is not waited for longer than without
// an upgrade.
func TestUpgradeCarriesTheLimitOfASilentCommand(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=1")
	s.own(built.lab)
	s.start()
	c := s.dialControl()
	s.upgradeNow()
	c.answers(t) // to the end of the connection
}
