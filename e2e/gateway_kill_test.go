package e2e

import (
	"testing"

	"golang.org/x/sys/unix"
)

// No client notices that a Register was killed.
func TestGatewayKillRegister(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	s := c.start()
	tr := newTraffic(t, c.ws)
	kill(t, s.snapshot().pidsOf("register")[0], unix.SIGKILL)
	tr.waitMore(20)
	s.waitWhole("register", 1)
	tr.waitMore(20)
	tr.wantUntouched()
}

// A BusinessWorker process takes with it what it has in hand, and no client.
func TestGatewayKillBusinessWorker(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	s := c.start()
	tr := newTraffic(t, c.ws)
	victim := s.snapshot().pidsOf("business")[0]
	kill(t, victim, unix.SIGKILL)
	tr.waitMore(20)
	s.waitWhole("business", clusterCount)
	tr.waitMore(20)
	tr.wantLostBy(victim)
}

// Without any BusinessWorker the clients wait until there is one again.
func TestGatewayKillAllBusinessWorkers(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	s := c.start()
	tr := newTraffic(t, c.ws)
	victims := s.snapshot().pidsOf("business")
	for _, pid := range victims {
		kill(t, pid, unix.SIGKILL)
	}
	tr.waitMore(20)
	s.waitWhole("business", clusterCount)
	tr.waitMore(20)
	tr.wantLostBy(victims...)
}

// A Gateway process takes its own clients with it and nobody else; they are off
// every list at once, and what takes its place serves others.
func TestGatewayKillGateway(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	s := c.start()
	watcher := newClient(t, c.text)
	tr := newTraffic(t, c.ws)
	victim := tr.talkers[0].inner
	kill(t, c.pidOfInner(s, victim), unix.SIGKILL)
	gone := 0
	for _, k := range tr.talkers {
		if k.inner == victim {
			gone++
		}
	}
	stay := len(tr.talkers) - gone + 1 // and the watcher
	waitFor(t, eventLimit, "the list has only those who are there", func() bool {
		r := lineReply(t, watcher, ask{"c": "online"})
		return r.Error == "" && r.Count == stay && len(r.IDs) == stay
	})
	tr.waitMore(20)
	s.waitWhole("gateway-websocket", clusterCount)
	for range 4 * clusterCount { // some of them come to the new process
		joinCluster(t, c.ws).mustAnswer(ask{"c": "count"})
	}
	all := tr.sum()
	if all.closed != gone || all.lost != 0 || all.uncounted != 0 {
		t.Errorf("%d clients of the killed process; clients saw %+v", gone, all)
	}
	for i, k := range tr.talkers {
		if (k.closed != nil) != (k.inner == victim) {
			t.Errorf("client %d of inner port %d, killed was %d: closed %v", i, k.inner, victim, k.closed)
		}
	}
}
