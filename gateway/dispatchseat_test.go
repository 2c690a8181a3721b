package gateway

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
)

// sessionRig is a BusinessWorker whose messages say what to do to the session, and a
// Gateway that answers probes when it is told to.
type sessionRig struct {
	*rig
	g    *rigGateway
	l    *rigLink
	seen chan string // the session at the beginning of each handler, as JSON
}

func newSessionRig(t *testing.T, concurrency int) *sessionRig {
	t.Helper()
	s := &sessionRig{g: newRigGateway(t, false), seen: make(chan string, 100)}
	s.g.still.Store(true)
	s.rig = runBusiness(t, func(b *BusinessWorker) {
		b.Concurrency = concurrency
		b.OnMessage = func(e *Event, m []byte) { s.obey(t, e, string(m)) }
		b.OnClose = func(e *Event) { s.obey(t, e, "closed=1") }
	}, s.g)
	s.l = s.g.link()
	return s
}

func (s *sessionRig) obey(t *testing.T, e *Event, order string) {
	seen, err := json.Marshal(e.Session)
	if err != nil {
		seen = []byte(err.Error())
	}
	s.seen <- string(seen)
	for part := range strings.FieldsSeq(order) {
		key, value, ok := strings.Cut(part, "=")
		switch {
		case ok:
			e.Session.Set(key, value)
		case key == "clear":
			e.Session.Clear()
		case key == "api":
			rigErr(t, SetSession(e.ClientID, map[string]any{"api": 1}), nil)
		case key == "update":
			rigErr(t, UpdateSession(e.ClientID, map[string]any{"more": 2}), nil)
		}
	}
}

// ser is a session with string values, as the Gateway has it.
func ser(pairs ...any) string {
	p, err := phpserialize.Marshal(phpserialize.ArrayOf(pairs...))
	if err != nil {
		panic(err)
	}
	return string(p)
}

// message is one that was sent when the session was another.
func (s *sessionRig) message(session, order string) {
	s.l.eventWith(wire.OnMessage, 1, session, order)
}

func (s *sessionRig) sees(want string) {
	s.t.Helper()
	if got := rigGet(s.t, s.seen, "handler"); got != want {
		s.t.Fatalf("the handler saw %s, want %s", got, want)
	}
}

// stores expects SET_SESSION.
func (s *sessionRig) stores(want string) {
	s.t.Helper()
	if pk := s.l.expect(wire.SetSession, 1, ""); string(pk.Ext) != want {
		s.t.Fatalf("stored %s, want %s", pk.Ext, want)
	}
}

// asks expects a probe and returns its answer.
func (s *sessionRig) asks() []byte {
	s.t.Helper()
	switch pk := s.l.next(); pk.Command {
	case wire.IsOnline:
		return wire.AppendReply(nil, []byte("i:0;"))
	case wire.GetSessionByClientID:
		return wire.AppendReply(nil, []byte("N;"))
	default:
		s.t.Fatalf("got command %d, want a probe", pk.Command)
		return nil
	}
}

// nothing says that nothing was sent to the Gateway: what comes next is what this
// sends.
func (s *sessionRig) nothing() {
	s.t.Helper()
	rigErr(s.t, SendToAll("mark"), nil)
	s.l.expect(wire.SendToAll, 0, "mark")
}

func TestSessions(t *testing.T) {
	al, bo := ser("name", "Al"), ser("name", "Bo")
	tests := []struct {
		name string
		run  func(s *sessionRig)
	}{
		{"what only reads stores nothing", func(s *sessionRig) {
			s.message("", "")
			s.sees("null")
			s.message(al, "")
			s.sees(`{"name":"Al"}`)
			s.nothing()
		}},
		{"a change is stored", func(s *sessionRig) {
			s.message("", "name=Al")
			s.sees("null")
			s.stores(al)
		}},
		{"the same value is no change", func(s *sessionRig) {
			s.message(al, "name=Al")
			s.sees(`{"name":"Al"}`)
			s.nothing()
		}},
		{"an empty session is not null", func(s *sessionRig) {
			s.message(al, "clear")
			s.sees(`{"name":"Al"}`)
			s.stores("a:0:{}")
		}},
		{"events under way see what was written since", func(s *sessionRig) {
			s.message("", "name=Al")
			s.message("", "name=Bo")
			s.message("", "")
			s.sees("null")
			s.sees(`{"name":"Al"}`)
			s.sees(`{"name":"Bo"}`)
			s.stores(al)
			s.asks()
			s.stores(bo)
			s.nothing()
		}},
		{"behind the answer the Gateway is right", func(s *sessionRig) {
			s.message("", "name=Al")
			s.sees("null")
			s.stores(al)
			s.l.raw(s.asks())
			s.message("", "") // another worker has put it back
			s.sees("null")
			s.message(bo, "")
			s.sees(`{"name":"Bo"}`)
		}},
		{"what another worker has changed is seen", func(s *sessionRig) {
			s.message(al, "")
			s.message(bo, "x=1")
			s.sees(`{"name":"Al"}`)
			s.sees(`{"name":"Bo"}`)
			s.stores(ser("name", "Bo", "x", "1"))
		}},
		{"the older of two writers is overwritten, then seen no more", func(s *sessionRig) {
			s.message("", "name=Al") // ours is still under way
			s.sees("null")
			s.message(bo, "") // when the Gateway got this of another worker
			s.sees(`{"name":"Al"}`)
			s.stores(al)
			s.l.raw(s.asks())
			s.message(al, "")
			s.sees(`{"name":"Al"}`)
		}},
		{"an answer is for what was written before its question", func(s *sessionRig) {
			s.message("", "name=Al")
			s.sees("null")
			s.stores(al)
			first := s.asks()
			s.message("", "name=Bo")
			s.sees(`{"name":"Al"}`)
			s.stores(bo)
			s.l.raw(first)
			second := s.asks()
			s.message(al, "") // the Gateway has the first, not the second
			s.sees(`{"name":"Bo"}`)
			s.l.raw(second)
			s.message(al, "")
			s.sees(`{"name":"Al"}`)
		}},
		{"what OnClose changes is not stored", func(s *sessionRig) {
			s.l.eventWith(wire.OnClose, 1, al, "")
			s.sees(`{"name":"Al"}`)
			s.nothing()
		}},
		{"OnClose sees what was written", func(s *sessionRig) {
			s.message("", "name=Al")
			s.l.eventWith(wire.OnClose, 1, "", "")
			s.sees("null")
			s.sees(`{"name":"Al"}`)
		}},
		{"SetSession and UpdateSession count at once", func(s *sessionRig) {
			s.message(al, "api")
			s.message(al, "update")
			s.message(al, "")
			s.sees(`{"name":"Al"}`)
			s.sees(`{"api":1}`)
			s.sees(`{"api":1,"more":2}`)
		}},
		{"an UpdateSession alone is put on what comes", func(s *sessionRig) {
			s.message(al, "update")
			s.message(bo, "")
			s.sees(`{"name":"Al"}`)
			s.sees(`{"name":"Bo","more":2}`)
		}},
		{"a lost answer does not matter for ever", func(s *sessionRig) {
			s.message("", "name=Al")
			s.sees("null")
			s.stores(al)
			lost := s.asks()
			s.Advance(reprobe)
			answer := s.asks()
			s.l.raw(lost)
			s.message("", "") // it came late, and is for the question before
			s.sees(`{"name":"Al"}`)
			s.l.raw(answer)
			s.message("", "")
			s.sees("null")
		}},
		{"a new link begins with what the Gateway has", func(s *sessionRig) {
			s.message("", "name=Al")
			s.sees("null")
			s.stores(al)
			s.l.conn.Close()
			s.until("the link is gone", func() bool {
				return !s.b.run.links.links[s.g.address()].standing
			})
			s.Advance(redial)
			s.l = s.g.link()
			s.message("", "")
			s.sees("null")
		}},
		{"objects of PHP are carried along", func(s *sessionRig) {
			object := `O:4:"User":1:{s:2:"id";i:7;}`
			s.message(`a:1:{s:4:"user";`+object+`}`, "x=1")
			rigGet(s.t, s.seen, "handler")
			s.stores(`a:2:{s:4:"user";` + object + `s:1:"x";s:1:"1";}`)
		}},
		{"one that cannot be read is left alone", func(s *sessionRig) {
			s.message("a:9:{", "x=1")
			s.sees("null")
			s.nothing()
		}},
		{"nothing is remembered of clients that rest", func(s *sessionRig) {
			s.message("", "name=Al")
			s.sees("null")
			s.stores(al)
			s.l.raw(s.asks())
			s.until("the seat is free", func() bool {
				return len(s.b.run.links.links[s.g.address()].seats) == 0
			})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachConcurrency(t, func(t *testing.T, n int) { tt.run(newSessionRig(t, n)) })
		})
	}
}

// TestTwoWorkersChangeOneSession has a client change hands, as after a reload.
func TestTwoWorkersChangeOneSession(t *testing.T) {
	g := newRigGateway(t, true)
	seen := make(chan string, 10)
	r := runBusiness(t, func(b *BusinessWorker) {
		b.OnMessage = func(e *Event, m []byte) {
			seen <- fmt.Sprint(e.Session.Int("n"))
			e.Session.Set("n", e.Session.Int("n")+1)
		}
	}, g)
	l := g.link()
	for n := range 5 {
		l.event(wire.OnMessage, 1, "")
		if got := rigGet(t, seen, "handler"); got != fmt.Sprint(2*n) {
			t.Fatalf("round %d: saw %s", n, got)
		}
		rigEventually(t, "it is stored", func() bool { return g.session(1) == ser("n", 2*n+1) })
		r.until("the Gateway has said so", func() bool {
			return len(r.b.run.links.links[g.address()].seats) == 0
		})
		g.setSession(1, ser("n", 2*n+2)) // the other worker
	}
}
