package e2e

import (
	"errors"
	"testing"
	"time"
)

// For eight seconds there is no BusinessWorker: no client is disconnected, and
// what they sent is answered in order when there is one again.
func TestGatewayHoldsInputWithoutBusinessWorkers(t *testing.T) {
	t.Parallel()
	// More than the 10 s that is usual: a start takes seconds on a busy machine.
	c := newCluster(t, "E2E_BUSINESS_WAIT=40s")
	c.start("register", "gateway")
	b := c.start("business")
	tr := newTraffic(t, c.ws)
	b.run("stop").wantCode(0)
	// A client that comes now is welcome too.
	late := joinCluster(t, c.ws)
	if err := late.send(ask{"c": "count", "n": 1}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-late.in:
		t.Errorf("a client without a BusinessWorker heard something: %v", late.err)
	case <-time.After(8 * time.Second):
	}
	b.start()
	r, err := late.wait("answer to what was held", func(r reply) bool { return r.Number == 1 })
	if err != nil || r.Count != 1 {
		t.Errorf("answer %+v, %v", r, err)
	}
	tr.waitMore(20)
	tr.wantUntouched()
}

// A Gateway that starts alone takes its clients when the first BusinessWorker is
// there; none is turned away.
func TestGatewayStartsBeforeBusinessWorkers(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.start("register", "gateway")
	early := newClient(t, c.ws)
	answered := make(chan error, 1)
	go func() { answered <- early.upgrade() }() // ends with the answer or its deadline
	c.start("business")
	if err := <-answered; err != nil {
		t.Fatalf("a client that came first: %v", err)
	}
	joinCluster(t, c.ws).mustAnswer(ask{"c": "count"})
	if got, err := early.message(`{"c":"echo","m":"x","n":1}`); err != nil {
		t.Errorf("answer %q, %v", got, err)
	}
}

// After BusinessWait a websocket client that sent something is told to come
// later; one that sent nothing stays.
func TestGatewayClosesWhoWaitedTooLong(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "E2E_BUSINESS_WAIT=1s")
	c.start("register", "gateway")
	b := c.start("business")
	silent, eager := joinCluster(t, c.ws), joinCluster(t, c.ws)
	silent.whoami()
	eager.whoami()
	plain := newClient(t, c.text)
	lineReply(t, plain, ask{"c": "whoami"})
	b.run("stop").wantCode(0)
	if err := eager.send(ask{"c": "count"}); err != nil {
		t.Fatal(err)
	}
	var closed closedError
	if err := eager.mustClose(); !errors.As(err, &closed) || closed.code != 1013 {
		t.Errorf("closed with %v, want close frame 1013", err)
	}
	if _, err := plain.line(`{"c":"whoami"}`, eventLimit); err == nil {
		t.Error("a text client was answered without a BusinessWorker")
	}
	b.start()
	if got := silent.mustAnswer(ask{"c": "whoami"}).ID; got != silent.id {
		t.Errorf("client id %q, was %q", got, silent.id)
	}
}
