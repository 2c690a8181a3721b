package e2e

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	trafficClients = 50
	trafficWindow  = 4 // messages of one client that wait for their answers
	// silence is how long a client waits before it asks again: what it sent has
	// perhaps gone with a process.
	silence = 500 * time.Millisecond
)

// traffic is clients that send numbered messages until stop is called.
type traffic struct {
	t       testing.TB
	talkers []*talker
	stopped atomic.Bool
	group   sync.WaitGroup
}

// talker is one of them. Only its goroutine writes the fields, apart from
// answered, until stop has returned.
type talker struct {
	m        *member
	inner    int          // inner port of its Gateway process
	answered atomic.Int64 // number of the last answer
	sent     int
	count    int // counter of the session in the last answer
	pid      int // BusinessWorker of the last answer
	gaps     []gap
	skipped  int // messages that were answered, but not counted by the session
	faults   []string
	closed   error // the server closed the connection
}

// gap is messages without an answer between two that have one.
type gap struct {
	lost   int
	before int // BusinessWorker process that answered last before the gap
}

// newTraffic connects the clients and waits for one answer to each.
func newTraffic(t testing.TB, address string) *traffic {
	t.Helper()
	tr := &traffic{t: t}
	for range trafficClients {
		k := &talker{m: joinCluster(t, address)}
		k.inner = innerPortOf(t, k.m.whoami())
		tr.talkers = append(tr.talkers, k)
	}
	for _, k := range tr.talkers {
		tr.group.Go(func() { k.run(&tr.stopped) }) // ends by stop
	}
	t.Cleanup(tr.stop)
	tr.waitMore(1)
	return tr
}

// stop ends the traffic; each client gets an answer to its last message first.
func (tr *traffic) stop() {
	tr.stopped.Store(true)
	tr.group.Wait()
}

// waitMore waits until every client that is connected has n more answers.
func (tr *traffic) waitMore(n int64) {
	tr.t.Helper()
	var want []int64
	for _, k := range tr.talkers {
		want = append(want, k.answered.Load()+n)
	}
	waitFor(tr.t, 2*eventLimit, fmt.Sprintf("%d more answers for each client", n), func() bool {
		for i, k := range tr.talkers {
			if got := k.answered.Load(); got >= 0 && got < want[i] {
				return false
			}
		}
		return true
	})
}

// run ends when stopped was set and the last message was answered, or with the
// connection. A client that is gone has answered -1.
func (k *talker) run(stopped *atomic.Bool) {
	for !stopped.Load() && k.closed == nil {
		for k.sent-int(k.answered.Load()) < trafficWindow && k.closed == nil {
			k.say()
		}
		k.hear(silence)
		if k.quiet() {
			k.say()
		}
	}
	if k.closed == nil {
		k.say()
		end := time.Now().Add(2 * eventLimit)
		for k.closed == nil && int(k.answered.Load()) < k.sent && time.Now().Before(end) {
			k.hear(silence)
		}
		if got := int(k.answered.Load()); k.closed == nil && got < k.sent {
			k.fault("no answer to the last message %d, only to %d", k.sent, got)
		}
	}
	if k.closed != nil {
		k.answered.Store(-1)
	}
}

// quiet says that the window is full of messages that nobody answers.
func (k *talker) quiet() bool {
	return k.closed == nil && k.sent-int(k.answered.Load()) >= trafficWindow && len(k.m.in) == 0
}

func (k *talker) fault(format string, args ...any) {
	k.faults = append(k.faults, fmt.Sprintf(format, args...))
}

func (k *talker) say() {
	k.sent++
	if err := k.m.send(ask{"c": "count", "n": k.sent}); err != nil {
		k.closed = err
	}
}

// hear takes one answer, if it comes within the limit.
func (k *talker) hear(limit time.Duration) {
	select {
	case r, open := <-k.m.in:
		if !open {
			k.closed = k.m.err
			return
		}
		k.take(r)
	case <-time.After(limit):
	}
}

// take counts an answer. The session counts the messages too, so that one which
// was handled twice shows.
func (k *talker) take(r reply) {
	last := int(k.answered.Load())
	switch {
	case r.Command != "count" || r.Error != "":
		k.fault("answer %+v", r)
		return
	case r.Number <= last:
		k.fault("answer to %d after that to %d", r.Number, last)
		return
	case r.Number > last+1:
		k.gaps = append(k.gaps, gap{lost: r.Number - last - 1, before: k.pid})
	}
	k.skipped += r.Number - last - (r.Count - k.count)
	k.count, k.pid = r.Count, r.PID
	k.answered.Store(int64(r.Number))
}

// totals are what all clients saw together.
type totals struct{ sent, lost, closed, uncounted int }

// sum adds up what the clients saw, and reports every fault.
func (tr *traffic) sum() totals {
	tr.t.Helper()
	tr.stop()
	var all totals
	for i, k := range tr.talkers {
		all.sent += k.sent
		all.uncounted += k.skipped
		for _, g := range k.gaps {
			all.lost += g.lost
		}
		if k.closed != nil {
			all.closed++
		}
		for _, f := range k.faults {
			tr.t.Errorf("client %d: %s", i, f)
		}
	}
	tr.t.Logf("%d clients: %d messages sent, %d lost, %d sessions behind, %d connections closed",
		len(tr.talkers), all.sent, all.lost, all.uncounted, all.closed)
	return all
}

// wantUntouched reports everything that a client could have noticed.
func (tr *traffic) wantUntouched() {
	tr.t.Helper()
	if got := tr.sum(); got.lost != 0 || got.closed != 0 || got.uncounted != 0 {
		tr.t.Errorf("clients noticed something: %+v", got)
	}
}

// wantLostBy reports clients that were closed, and messages lost by other
// processes than those given or more than one client can have under way.
func (tr *traffic) wantLostBy(pids ...int) {
	tr.t.Helper()
	if got := tr.sum(); got.closed != 0 {
		tr.t.Errorf("%d clients were closed", got.closed)
	}
	for i, k := range tr.talkers {
		for _, g := range k.gaps {
			if !slices.Contains(pids, g.before) {
				tr.t.Errorf("client %d lost %d messages after an answer of process %d, killed were %v",
					i, g.lost, g.before, pids)
			}
			if g.lost > trafficWindow {
				tr.t.Errorf("client %d lost %d messages, more than it had under way", i, g.lost)
			}
		}
	}
}
