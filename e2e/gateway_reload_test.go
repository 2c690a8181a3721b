package e2e

import (
	"testing"
	"time"
)

const gatewayReloads = 10

// BusinessWorkers are reloaded under traffic: every message is handled once, in
// order, and no client is disconnected. The session of each counts its messages.
func TestGatewayReloadUnderTraffic(t *testing.T) {
	c := newCluster(t)
	s := c.start()
	tr := newTraffic(t, c.ws)
	before := s.snapshot()
	for i := range gatewayReloads {
		r := s.run("reload").wantCode(0)
		tr.waitMore(5)
		t.Logf("reload %d: %v", i+1, r.took.Round(time.Millisecond))
	}
	tr.wantUntouched()
	for i, k := range tr.talkers {
		if k.count != int(k.answered.Load()) {
			t.Errorf("client %d: session counts %d of %d messages", i, k.count, k.answered.Load())
		}
	}
	s.waitWhole("business", clusterCount)
	s.snapshot().wantSame(t, before, "gateway-websocket", "gateway-text", "register")
}

// The same with handlers of several clients at a time.
func TestGatewayReloadWithConcurrency(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "E2E_CONCURRENCY=16")
	s := c.start()
	tr := newTraffic(t, c.ws)
	for range 3 {
		s.run("reload").wantCode(0)
		tr.waitMore(5)
	}
	tr.wantUntouched()
}
