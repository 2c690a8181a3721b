package gateway

import (
	"strings"
	"testing"
)

// The use that the manual names for a session: who has logged in is known with every
// later event, up to OnClose.
func TestALoginIsRememberedUntilTheClientIsGone(t *testing.T) {
	eachConcurrency(t, func(t *testing.T, n int) {
		s, _ := runTogether(t, func(b *BusinessWorker) {
			b.Concurrency = n
			b.OnMessage = func(e *Event, message []byte) {
				name, login := strings.CutPrefix(string(message), "login ")
				switch {
				case login:
					e.Session.Set("name", name)
					rigErr(t, BindUID(e.ClientID, name), nil)
					rigErr(t, JoinGroup(e.ClientID, "room"), nil)
					rigErr(t, e.Send("welcome "+name), nil)
				case e.Session.IsNull():
					rigErr(t, e.Close("who are you?"), nil)
				default:
					rigErr(t, SendTo(Target{Groups: []string{"room"}, Exclude: []string{e.ClientID}},
						e.Session.String("name")+": "+string(message)), nil)
				}
			}
			b.OnClose = func(e *Event) {
				if !e.Session.IsNull() {
					_ = SendToGroup("room", e.Session.String("name")+" left") // the last is alone
				}
			}
		})
		al, bo, stranger := s.Dial("Gateway"), s.Dial("Gateway"), s.Dial("Gateway")
		stranger.Send("hello")
		stranger.Expect("who are you?")
		stranger.ExpectClose()
		al.Send("login al")
		al.Expect("welcome al")
		bo.Send("login bo")
		bo.Expect("welcome bo")
		al.Send("hello")
		bo.Expect("al: hello")
		rigErr(t, SendToUID("bo", "for bo"), nil)
		bo.Expect("for bo")
		al.Close()
		bo.Expect("al left")
	})
}
