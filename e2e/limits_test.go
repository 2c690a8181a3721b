package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A process that reaches a limit is renewed like in a reload, without a client
// noticing it.
func TestLimitsRenewProcesses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, limit, path, cause string
	}{
		{"requests", "E2E_MAX_REQUESTS=20", "/", "had "},
		{"memory", "E2E_MAX_MEMORY=33554432", "/keep?n=1000000", "uses "},
		{"age", "E2E_MAX_AGE=1s", "/", "old, is renewed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=2", c.limit)
			s.start()
			before := s.snapshot().pidsOf("web")
			s.waitSnapshot("two new processes", func(snap snapshot) bool {
				for range 5 {
					mustFetch(t, address, c.path)
				}
				now := snap.pidsOf("web")
				return len(now) == 2 && now[0] != before[0] && now[1] != before[1]
			})
			s.wantLog(c.cause)
			if n := s.snapshot().exitCount("web", 9); n != 0 {
				t.Errorf("%d processes were killed", n)
			}
		})
	}
}

// A loop that is stuck for longer than HangTimeout is ended, and the log shows
// where it was.
func TestHangingProcessIsReplaced(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1", "E2E_HANG_TIMEOUT=500ms")
	s.start()
	old := s.snapshot().pidsOf("web")[0]
	go fetch(address, "/block?n=60000", time.Minute) // ends with the process
	s.waitSnapshot("a successor", func(snap snapshot) bool {
		now := snap.pidsOf("web")
		return len(now) == 1 && now[0] != old
	})
	s.wantLog("hangs in a callback for more than 500ms")
	s.wantLog("apps/web.serve") // the stack
	mustFetch(t, address, "/")
}

// What a worker process leaves behind goes with the service, also when it has
// a session of its own.
func TestStopEndsWhatWorkersLeftBehind(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
	s.start()
	child, err := strconv.Atoi(mustFetch(t, address, "/leave-child"))
	if err != nil {
		t.Fatal(err)
	}
	kill(t, s.snapshot().pidsOf("web")[0], unix.SIGKILL)
	s.waitWhole("web", 1)
	s.run("stop").wantCode(0)
	waitFor(t, eventLimit, "the child is gone", func() bool {
		_, err := os.Stat(filepath.Join("/proc", strconv.Itoa(child)))
		return os.IsNotExist(err)
	})
}
