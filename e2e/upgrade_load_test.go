package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"
)

const (
	upgradeCount = 100  // upgrades in a row
	upgradeRate  = 1000 // per second, of all clients together
	rateClients  = 20
)

// maxMasterGrowth is what the master's private memory may grow over all
// upgrades: each image begins anew, so nothing adds up but noise.
const maxMasterGrowth = 8 << 20

var windowText = regexp.MustCompile(`window ([0-9.a-zµ]+)`)

// A hundred upgrades between two builds, under load: no request fails, the
// master stays one process with the descriptors that it had, nobody is started
// anew. It runs alone: it is about what the clients of a busy machine see.
func TestHundredUpgradesUnderLoad(t *testing.T) {
	u := newUpgradable(t, built.lab)
	u.clients.stop()
	master := u.before.MasterPID
	binaries := []string{labNext.binary(t), built.lab}
	var all load
	every := rateClients * time.Second / upgradeRate
	all.addPaced(rateClients*3/4, every, u.address)
	all.addFetching(rateClients/4, every, u.address)
	t.Cleanup(all.stop)

	began := time.Now()
	var descriptorsThen int
	var memoryThen int64
	var windows []time.Duration
	for n := range upgradeCount {
		r := u.run("upgrade", "--binary", binaries[n%2]).wantCode(0)
		windows = append(windows, windowOf(t, r))
		if n == 1 { // both builds have been the master once
			descriptorsThen = len(descriptors(master))
			memoryThen = privateMemory(t, master)
		}
	}
	took := time.Since(began)
	all.stop()
	u.wantSameLives(0)
	slices.Sort(windows)
	t.Logf("%d upgrades in %v, window %v in the middle, %v the longest", upgradeCount,
		took.Round(time.Millisecond), windows[upgradeCount/2], windows[upgradeCount-1])
	t.Logf("clients saw: %s, %.0f per second", &all, float64(all.success.Load())/took.Seconds())
	if all.bad() != 0 || all.success.Load() == 0 {
		t.Errorf("clients saw: %s", &all)
	}
	waitFor(t, eventLimit, fmt.Sprintf("%d descriptors again", descriptorsThen), func() bool {
		return len(descriptors(master)) == descriptorsThen
	})
	grown := privateMemory(t, master) - memoryThen
	t.Logf("descriptors of the master: %d; its memory grew by %d KiB", descriptorsThen, grown>>10)
	if grown > maxMasterGrowth {
		t.Errorf("the memory of the master grew by %d bytes", grown)
	}
	if left := zombies(master); len(left) > 0 {
		t.Errorf("the master has not reaped %v", left)
	}
	if n := len(childrenOf(master)); n != 2 {
		t.Errorf("the master has %d children, want 2", n)
	}
}

// addFetching starts clients that make a connection for each request.
func (l *load) addFetching(n int, every time.Duration, address string) {
	for range n {
		l.group.Go(func() {
			pace := newPace(every)
			for !l.stopped.Load() {
				_, err := fetch(address, "/", replyLimit)
				l.count(err)
				pace.wait()
			}
		})
	}
}

// windowOf reads from the result how long the master stood still.
func windowOf(t *testing.T, r result) time.Duration {
	t.Helper()
	found := windowText.FindStringSubmatch(r.out)
	if found == nil {
		t.Fatalf("no such time in what the command printed:\n%s", r.out)
	}
	d, err := time.ParseDuration(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// privateMemory is RssAnon in bytes.
func privateMemory(t *testing.T, pid int) int64 {
	t.Helper()
	var kib int64
	if _, err := fmt.Sscan(statusField(t, pid, "RssAnon"), &kib); err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
