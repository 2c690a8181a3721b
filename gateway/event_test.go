package gateway

import (
	"testing"

	"github.com/workerman-go/wm/gateway/wire"
)

// There is no current client that could be another one by then.
func TestAnEventOutlivesItsHandler(t *testing.T) {
	eachConcurrency(t, func(t *testing.T, n int) {
		g := newRigGateway(t, true)
		events := make(chan *Event, 2)
		r := runBusiness(t, func(b *BusinessWorker) {
			b.Concurrency = n
			b.OnMessage = func(e *Event, _ []byte) { events <- e }
		}, g)
		l := g.link()
		l.event(wire.OnMessage, 7, "")
		l.event(wire.OnMessage, 8, "")
		first, second := rigGet(t, events, "event"), rigGet(t, events, "event")
		if first.ClientID != g.client(7) {
			first, second = second, first // they are different clients
		}
		r.until("the handlers have returned", func() bool {
			return first.over.Load() && second.over.Load()
		})
		first.Session.Set("name", "Al") // too late
		rigErr(t, first.Send("for 7"), nil)
		l.expect(wire.SendToOne, 7, "for 7")
		rigErr(t, second.Close("for 8"), nil)
		l.expect(wire.Kick, 8, "for 8")
	})
}
