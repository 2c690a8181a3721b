package gateway

import (
	"fmt"
	"testing"

	"github.com/workerman-go/wm/wmtest"
)

// runTogether serves a Register, a Gateway for text and a BusinessWorker in one
// process.
func runTogether(t *testing.T, set func(b *BusinessWorker)) (*wmtest.Service, *BusinessWorker) {
	t.Helper()
	var b *BusinessWorker
	s := wmtest.Run(t, func() {
		NewRegister("text://127.0.0.1:1236")
		New("text://127.0.0.1:7272").Name = "Gateway"
		b = NewBusinessWorker()
		set(b)
	})
	return s, b
}

func TestEchoThroughAGateway(t *testing.T) {
	eachConcurrency(t, func(t *testing.T, n int) {
		s, b := runTogether(t, func(b *BusinessWorker) {
			b.Concurrency = n
			b.OnConnect = func(e *Event) { e.Session.Set("n", 0) }
			b.OnMessage = func(e *Event, m []byte) {
				e.Session.Set("n", e.Session.Int("n")+1)
				rigErr(t, e.Send(fmt.Sprintf("%s %d", m, e.Session.Int("n"))), nil)
			}
		})
		c := s.Dial("Gateway")
		for i := range 100 {
			c.Send(fmt.Sprint(i))
		}
		for i := range 100 {
			c.Expect(fmt.Sprintf("%d %d", i, i+1))
		}
		r := &rig{Service: s, t: t, b: b}
		r.until("the Gateway has answered every probe", func() bool {
			for _, l := range b.run.links.links {
				if !l.wm || len(l.seats) > 0 || l.sessions.answered != l.sessions.last {
					return false
				}
			}
			return true
		})
	})
}

func TestAHandlerSeesWhatItHasDone(t *testing.T) {
	eachConcurrency(t, func(t *testing.T, n int) {
		s, _ := runTogether(t, func(b *BusinessWorker) {
			b.Concurrency = n
			b.OnMessage = func(e *Event, m []byte) {
				rigErr(t, JoinGroup(e.ClientID, string(m)), nil)
				list, err := ClientIDListByGroup(string(m))
				rigErr(t, err, nil)
				rigErr(t, SetSession(e.ClientID, map[string]any{"room": string(m)}), nil)
				session, err := SessionOf(e.ClientID)
				rigErr(t, err, nil)
				rigErr(t, e.Send(fmt.Sprint(len(list), list[0] == e.ClientID, " ",
					session.String("room"))), nil)
			}
		})
		c := s.Dial("Gateway")
		for i := range 20 {
			c.Send(fmt.Sprint("room", i))
		}
		for i := range 20 {
			c.Expect(fmt.Sprintf("1 true room%d", i))
		}
	})
}
