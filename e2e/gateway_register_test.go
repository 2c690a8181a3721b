package e2e

import (
	"strings"
	"testing"
	"time"
)

// Without a Register everything that runs goes on, pushes from outside as well;
// a process that came meanwhile is linked soon after its return.
func TestGatewayWithoutRegister(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	registers := c.start("register")
	c.start("gateway", "business", "pusher")
	a, b := joinCluster(t, c.ws), joinCluster(t, c.ws)
	b.mustAnswer(ask{"c": "join", "group": "g"})
	b.mustAnswer(ask{"c": "bind", "uid": "u"})
	if got := c.push("count"); got != "2" {
		t.Fatalf("pusher counts %q", got)
	}
	registers.run("stop").wantCode(0)

	a.mustAnswer(ask{"c": "toall", "m": "handler, all"})
	b.mustPush("handler, all")
	a.mustAnswer(ask{"c": "touid", "uid": "u", "m": "handler, uid"})
	b.mustPush("handler, uid")
	push := `{"c":"push","m":"outside"}`
	for _, line := range []string{"all - ", "uid u ", "group g ", "client " + b.whoami() + " "} {
		if got := c.push(line + push); got != "ok" {
			t.Errorf("push %q without a Register: %s", line, got)
		}
		b.mustPush("outside")
	}
	if got := c.push("count"); got != "2" {
		t.Errorf("pusher counts %q without a Register", got)
	}
	if r := a.mustAnswer(ask{"c": "join", "group": "g"}); r.Size != 2 || !r.Sees {
		t.Errorf("group without a Register: %+v", r)
	}

	fresh := c.service("business", "E2E_BUSINESS_NAME=fresh", "E2E_READY_WAIT=1s")
	fresh.start() // it waits for the Register, and runs
	registers.start()
	returned := time.Now()
	waitFor(t, eventLimit, "a client is served by a process that came meanwhile", func() bool {
		pid := joinCluster(t, c.ws).mustAnswer(ask{"c": "count"}).PID
		return strings.Contains(title(pid), "fresh")
	})
	t.Logf("linked %v after the Register was there", time.Since(returned).Round(time.Millisecond))
}

// Who joins a group and lists it is in it, every time.
func TestGatewaySeesItselfInItsGroup(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.start()
	const rounds = 20
	var all load
	for range trafficClients {
		m := joinCluster(t, c.ws)
		all.group.Go(func() { // ends after its rounds
			for range rounds {
				r, err := m.answer(ask{"c": "join", "group": "g"})
				if err == nil && (!r.Sees || r.Error != "") {
					t.Errorf("joined and listed: %+v", r)
				}
				all.count(err)
				r, err = m.answer(ask{"c": "leave", "group": "g"})
				if err == nil && (r.Sees || r.Error != "") {
					t.Errorf("left and listed: %+v", r)
				}
				all.count(err)
			}
		})
	}
	all.stop()
	t.Logf("joins and leaves: %s", &all)
	if want := int64(2 * rounds * trafficClients); all.success.Load() != want {
		t.Errorf("want %d, got %s", want, &all)
	}
}
