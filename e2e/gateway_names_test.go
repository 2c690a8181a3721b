package e2e

import (
	"strings"
	"testing"
)

// Two services have BusinessWorkers of one name on one host: it is said in a log,
// and both work on instead of kicking each other out.
func TestGatewayBusinessWorkersOfOneName(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	front := c.start("register", "gateway")
	first := c.start("business")
	second := c.start("business")
	// Each Gateway process says it of both names.
	waitFor(t, 2*eventLimit, "the conflict of names is in the log", func() bool {
		return strings.Count(front.log(), "a Name of its own") >= 2*clusterCount*clusterCount
	})
	pids := map[int]bool{}
	for _, s := range []*service{first, second} {
		for _, pid := range s.snapshot().pidsOf("business") {
			pids[pid] = true
		}
	}
	served := map[int]int{}
	waitFor(t, eventLimit, "clients are served by processes of the cluster", func() bool {
		m := joinCluster(t, c.ws)
		pid := m.mustAnswer(ask{"c": "count"}).PID
		if !pids[pid] {
			t.Errorf("answer of process %d, there are %v", pid, pids)
		}
		served[pid]++
		total := 0
		for _, n := range served {
			total += n
		}
		return total == 20
	})
	t.Logf("20 clients were served by %v", served)
	tr := newTraffic(t, c.ws)
	tr.waitMore(50)
	tr.wantUntouched()
}
