package gateway

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/workerman-go/wm/gateway/wire"
)

// A BusinessWorker leaves while 5,000 events wait for it: what it has begun it
// finishes, and all else is handled by another one.
func TestLeavingUnderOverloadLosesNothing(t *testing.T) {
	const atOnce = 8
	var handled atomic.Int64
	began, hold, over := make(chan struct{}, leaveEvents), make(chan struct{}), make(chan struct{})
	s, b := runTogether(t, func(b *BusinessWorker) {
		b.Concurrency = atOnce
		b.Life.StopTimeout = 10 * rigPatience
		b.OnMessage = func(e *Event, m []byte) {
			began <- struct{}{}
			<-hold
			handled.Add(1)
			e.Session.Set("n", e.Session.Int("n")+1)
			rigErr(t, e.Send(fmt.Sprintf("%s %d", m, e.Session.Int("n"))), nil)
		}
	})
	r := &rig{Service: s, t: t, b: b}
	var clients [leaveClients]*linkPeer
	for i := range clients {
		clients[i] = linkDial(t, s.Addr("Gateway"))
	}
	const each = leaveEvents / leaveClients
	for n := range each {
		for _, c := range clients {
			c.sendRaw([]byte(fmt.Sprintln(n + 1)))
		}
	}
	for range atOnce {
		rigWait(t, began)
	}
	r.until("many wait", func() bool { return b.run.queue.bytes > leaveEvents*arrivalBytes/2 })
	next := linkDial(t, s.Addr("Gateway inner"))
	next.hello(wire.WorkerHello{Key: "next:0", WM: true})
	next.expect(wire.Welcome, "")
	go next.countOn() // ends with the connection
	r.loop(func() { b.run.leave(func() { close(over) }) })
	r.until("all else went back", func() bool {
		for _, l := range b.run.links.links {
			if l.under != atOnce || l.farewell.stage != told {
				return false
			}
		}
		return true
	})
	close(hold)
	rigWait(t, over)
	for i, c := range clients {
		for n := range each {
			line, err := c.r.ReadString('\n')
			if want := fmt.Sprintln(n+1, n+1); err != nil || line != want {
				t.Fatalf("client %d: got %q, %v, want %q", i, line, err, want)
			}
		}
	}
	if n := handled.Load(); n != atOnce {
		t.Errorf("%d events were handled by the one that has left, want %d", n, atOnce)
	}
}

// countOn handles events as the test does, one after another. A session that comes
// from the Gateway may be older than what was stored here.
func (p *linkPeer) countOn() {
	counts := map[uint32]int64{}
	for {
		frame, err := p.receive()
		if err != nil {
			return
		}
		if frame.Command != wire.OnMessage {
			continue
		}
		id := frame.ConnectionID
		n := max(counts[id], decodeSession(string(frame.Ext)).Int("n")) + 1
		counts[id] = n
		s := NewSession(map[string]any{"n": n})
		ext, _ := s.encode()
		set := wire.Packet{
			Command: wire.SetSession, Flag: wire.Scalar, ConnectionID: id, Ext: []byte(ext),
		}
		answer := linkSendTo(id, fmt.Sprintf("%s %d", strings.TrimSpace(string(frame.Body)), n))
		if _, err := p.Write(answer.Append(set.Append(nil))); err != nil {
			return
		}
	}
}
