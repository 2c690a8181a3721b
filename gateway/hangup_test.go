package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/gateway/wire"
)

// Nobody waits for the answer of a Gateway that no Register names any more.
func TestAQuestionEndsWhenTheGatewayIsGoneFromTheTable(t *testing.T) {
	there, gone := newAPIGateway(t), newAPIGateway(t)
	there.on(wire.GetClientCountByGroup, "i:2;")
	r := newAPIRegister(t, apiList(there, gone))
	c := apiClient(t, r)
	type result struct {
		n   int
		err error
	}
	counted := make(chan result, 1)
	go func() {
		n, err := c.AllClientCount(context.Background())
		counted <- result{n, err}
	}()
	gone.next() // it has the question, and is silent
	began := time.Now()
	r.broadcast(apiList(there))
	got := apiNext(t, counted, "what the others say")
	apiMissing(t, got.err, ErrOffline, gone.address)
	if got.n != 2 {
		t.Errorf("the others have %d clients", got.n)
	}
	if took := time.Since(began); took >= c.Timeout {
		t.Errorf("it took %v, all of the Timeout", took)
	}
}

// The same for a BusinessWorker whose link has fallen: the question that is under way
// ends, and the next one does not begin.
func TestAQuestionEndsWithTheLink(t *testing.T) {
	g := newBarrierGateway(t)
	g.silent = true
	r := runBusiness(t, func(b *BusinessWorker) { b.OnMessage = func(*Event, []byte) {} })
	r.loop(func() { r.b.run.links.changed([]string{g.address}) })
	l := apiNext(t, g.links, "a link")
	asked := make(chan error, 1)
	go func() {
		_, err := AllClientCount()
		asked <- err
	}()
	rigEventually(t, "the question has come", func() bool {
		return g.askedFor(wire.GetClientCountByGroup) > 0
	})
	_ = l.conn.Close()
	apiMissing(t, apiNext(t, asked, "the end of the question"), ErrOffline, g.address)
	_, err := AllClientCount()
	apiMissing(t, err, ErrOffline, g.address)
	if n := g.askedFor(wire.GetClientCountByGroup); n != 1 {
		t.Errorf("%d questions to a Gateway that is down", n)
	}
	r.Advance(redial)
	apiNext(t, g.links, "the next link")
	r.until("it stands", func() bool { return !r.b.run.links.down(g.address) })
}

// A host that has vanished is not asked a second time, nor dialled at once.
func TestAHostThatHasVanishedIsNotAskedAgain(t *testing.T) {
	timedOut := &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ETIMEDOUT)}
	if err := ended(timedOut); errors.Is(err, errEnded) || !errors.Is(err, ErrOffline) {
		t.Errorf("%v", err)
	}
	c, gateways := apiCluster(t, 1)
	g := gateways[0]
	if _, err := c.IsOnline(context.Background(), g.id(1)); err != nil {
		t.Fatal(err)
	}
	s, err := c.socket(g.address)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.open.fail(ended(timedOut))
	_, err = c.IsOnline(context.Background(), g.id(1))
	apiMissing(t, err, ErrOffline, g.address)
	if !strings.Contains(fmt.Sprint(err), "vanished") || len(g.opened) != 1 {
		t.Errorf("%v, %d connections", err, len(g.opened))
	}
}

// The kernel looks after the questions of a BusinessWorker.
func TestQuestionsOfABusinessWorkerEndSoon(t *testing.T) {
	g := newBarrierGateway(t)
	r := runBusiness(t, func(b *BusinessWorker) { b.OnMessage = func(*Event, []byte) {} })
	r.loop(func() { r.b.run.links.changed([]string{g.address}) })
	apiNext(t, g.links, "a link")
	if _, err := ClientSessionsByGroup("g"); err != nil {
		t.Fatal(err)
	}
	s, err := r.b.run.cluster.socket(g.address)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := s.open.conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		ms, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
		if want := int(silentHost / time.Millisecond); ms != want || err != nil {
			t.Errorf("TCP_USER_TIMEOUT is %d, %v, want %d", ms, err, want)
		}
	})
}
