package gateway

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

// eachConcurrency runs a test with handlers on the loop and on goroutines.
func eachConcurrency(t *testing.T, fn func(t *testing.T, n int)) {
	for _, n := range []int{1, 4} {
		t.Run(fmt.Sprintf("Concurrency %d", n), func(t *testing.T) { fn(t, n) })
	}
}

// rigHandshake is the body of wire.md 2.11, reduced.
const rigHandshake = `a:3:{s:3:"get";a:2:{s:1:"t";s:1:"1";s:1:"a";a:1:{i:0;s:1:"x";}}` +
	`s:6:"server";a:3:{s:12:"QUERY_STRING";s:9:"t=1&a[]=x";s:12:"CONTENT_TYPE";N;` +
	`s:11:"REMOTE_PORT";i:54321;}s:6:"cookie";a:1:{s:3:"sid";s:1:"q";}}`

func TestEventsReachTheirCallbacks(t *testing.T) {
	eachConcurrency(t, func(t *testing.T, n int) {
		g := newRigGateway(t, true)
		calls := make(chan string, 10)
		runBusiness(t, func(b *BusinessWorker) {
			b.Concurrency = n
			note := func(what string, e *Event) { calls <- what + " " + e.ClientID }
			b.OnConnect = func(e *Event) { note("connect", e) }
			b.OnMessage = func(e *Event, m []byte) { note("message "+string(m), e) }
			b.OnClose = func(e *Event) { note("close", e) }
			b.OnWebSocketConnect = func(e *Event, h Handshake) {
				note(fmt.Sprint("websocket ", h.Get, h.Server, h.Cookie), e)
			}
		}, g)
		l := g.link()
		l.event(wire.OnConnect, 7, "")
		handshake := g.packet(wire.OnWebSocketConnect, 7, "", rigHandshake)
		handshake.Flag = 0
		l.write(handshake)
		l.write(wire.Packet{Command: wire.Ping, Flag: wire.Scalar})
		l.write(wire.Packet{Command: 99}) // nobody knows it
		l.event(wire.OnMessage, 7, "hello")
		l.event(wire.OnClose, 7, "")
		for _, want := range []string{
			"connect", "websocket map[a:[x] t:1] map[CONTENT_TYPE:<nil> QUERY_STRING:t=1&a[]=x " +
				"REMOTE_PORT:54321] map[sid:q]", "message hello", "close",
		} {
			if got := rigGet(t, calls, want); got != want+" "+g.client(7) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
}

func TestServerSaysWhereTheClientIs(t *testing.T) {
	g := newRigGateway(t, true)
	servers := make(chan Server, 1)
	runBusiness(t, func(b *BusinessWorker) {
		b.OnMessage = func(e *Event, _ []byte) { servers <- e.Server }
	}, g)
	l := g.link()
	v4 := g.packet(wire.OnMessage, 1, "", "")
	v6 := v4
	v6.SetClientAddr(netip.MustParseAddr("2001:db8::7"), true)
	php := v4
	php.SetClientAddr(netip.MustParseAddr("2001:db8::7"), false)
	for want, pk := range map[string]wire.Packet{
		"10.0.0.7": v4, "2001:db8::7": v6, "0.0.0.0": php,
	} {
		l.write(pk)
		server := Server{want, 54321, "127.0.0.1", 7272}
		if got := rigGet(t, servers, "event"); got != server {
			t.Errorf("got %v, want %v", got, server)
		}
	}
}

func TestMessagesMayBeKept(t *testing.T) {
	eachConcurrency(t, func(t *testing.T, n int) {
		g := newRigGateway(t, true)
		kept := make(chan []byte, 3)
		runBusiness(t, func(b *BusinessWorker) {
			b.Concurrency = n
			b.OnMessage = func(_ *Event, m []byte) { kept <- m }
		}, g)
		l := g.link()
		for _, m := range []string{"one", "two", "three"} {
			l.event(wire.OnMessage, 1, m)
		}
		var all []string
		for range 3 {
			m := rigGet(t, kept, "message")
			all = append(all, string(append(m, '!')))
		}
		if want := []string{"one!", "two!", "three!"}; !slices.Equal(all, want) {
			t.Errorf("got %q", all)
		}
	})
}

func TestValuesThatAreNoBytes(t *testing.T) {
	for _, both := range []bool{true, false} {
		t.Run(fmt.Sprintf("OnMessage set %v", both), func(t *testing.T) {
			g := newRigGateway(t, true)
			got := make(chan any, 3)
			runBusiness(t, func(b *BusinessWorker) {
				b.OnValue = func(_ *Event, v any) { got <- v }
				if both {
					b.OnMessage = func(_ *Event, m []byte) { got <- string(m) }
				}
			}, g)
			l := g.link()
			array := g.packet(wire.OnMessage, 1, "", `a:1:{s:1:"a";i:1;}`)
			array.Flag = 0
			bad := array
			bad.Body = []byte(`a:9:{`)
			l.write(bad)
			l.write(array)
			l.event(wire.OnMessage, 1, "text")
			v := rigGet(t, got, "value")
			if a, ok := v.(*phpserialize.Array); !ok || a.Int("a") != 1 || a.Len() != 1 {
				t.Errorf("got %T %v", v, v)
			}
			want := any([]byte("text"))
			if both {
				want = "text"
			}
			if v := rigGet(t, got, "message"); !reflect.DeepEqual(v, want) {
				t.Errorf("got %T %v, want %T", v, v, want)
			}
		})
	}
}

// rigForgiving is for tests of panics, which wmtest fails for.
type rigForgiving struct{ testing.TB }

func (f rigForgiving) Errorf(format string, a ...any) { f.Logf(format, a...) }

func TestAPanicEndsItsEventAlone(t *testing.T) {
	eachConcurrency(t, func(t *testing.T, n int) {
		g := newRigGateway(t, true)
		r := runBusiness(rigForgiving{t}, func(b *BusinessWorker) {
			b.Concurrency = n
			b.OnMessage = func(e *Event, m []byte) {
				rigErr(t, e.Send("got "+string(m)), nil)
				if string(m) == "bad" {
					e.Session.Set("half", true)
					panic("no database")
				}
			}
		}, g)
		l := g.link()
		l.event(wire.OnMessage, 7, "bad")
		l.event(wire.OnMessage, 7, "good")
		l.expect(wire.SendToOne, 7, "got bad")
		l.expect(wire.SendToOne, 7, "got good")
		r.ExpectLog("OnMessage of client " + g.client(7))
		r.ExpectLog("no database")
		r.loop(func() {
			if n := worker.Stats().ThrowException; n != 1 {
				t.Errorf("%d panics counted", n)
			}
		})
		r.until("nothing is left of it", func() bool {
			return len(r.b.run.links.links[g.address()].seats) == 0
		})
		if s := g.session(7); s != "" {
			t.Errorf("the session of a handler that panicked was stored: %s", s)
		}
	})
}

func TestEventMethods(t *testing.T) {
	g := newRigGateway(t, true)
	runBusiness(t, func(b *BusinessWorker) {
		b.OnMessage = func(e *Event, m []byte) {
			switch string(m) {
			case "send":
				rigErr(t, e.Send(map[string]int{"n": 1}), nil)
			case "close":
				rigErr(t, e.Close(), nil)
			case "bye":
				rigErr(t, e.Close("bye"), nil)
			case "destroy":
				rigErr(t, e.Destroy(), nil)
			}
		}
	}, g)
	l := g.link()
	for _, tt := range []struct {
		message string
		what    wire.Command
		flag    wire.Flag
		body    string
	}{
		{"send", wire.SendToOne, wire.Scalar, `{"n":1}`},
		{"close", wire.Kick, 0, "N;"},
		{"bye", wire.Kick, wire.Scalar, "bye"},
		{"destroy", wire.Destroy, wire.Scalar, ""},
	} {
		l.event(wire.OnMessage, 9, tt.message)
		if pk := l.expect(tt.what, 9, tt.body); pk.Flag != tt.flag {
			t.Errorf("%s: flag %d", tt.message, pk.Flag)
		}
	}
}

func TestContextOfAClientEndsWithIt(t *testing.T) {
	tests := map[string]func(l *rigLink){
		"OnClose":  func(l *rigLink) { l.event(wire.OnClose, 1, "") },
		"the link": func(l *rigLink) { l.conn.Close() },
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			g := newRigGateway(t, true)
			ctxs := make(chan context.Context, 1)
			late := make(chan *Event, 1)
			runBusiness(t, func(b *BusinessWorker) {
				b.Concurrency = 2
				b.OnMessage = func(e *Event, _ []byte) {
					ctxs <- e.Context()
					<-e.Context().Done() // also while the handler runs
					late <- e
				}
				b.OnClose = func(e *Event) { rigErr(t, e.Context().Err(), nil) }
			}, g)
			l := g.link()
			l.event(wire.OnMessage, 1, "")
			ctx := rigGet(t, ctxs, "context")
			if ctx.Err() != nil {
				t.Fatal("it has ended already")
			}
			end(l)
			<-ctx.Done()
			rigGet(t, late, "end of the handler")
		})
	}
}

func TestNoContextIsKeptOfAGatewayThatIsGone(t *testing.T) {
	g := newRigGateway(t, true)
	begun, gone := make(chan bool, 1), make(chan bool)
	late := make(chan context.Context, 1)
	r := runBusiness(t, func(b *BusinessWorker) {
		b.Concurrency = 2
		b.OnMessage = func(e *Event, _ []byte) {
			begun <- true
			<-gone
			late <- e.Context()
		}
	}, g)
	l := g.link()
	l.event(wire.OnMessage, 1, "")
	rigGet(t, begun, "handler")
	g.close()
	r.until("the link has ended", func() bool { return len(r.b.run.links.linked) == 0 })
	close(gone)
	<-rigGet(t, late, "context").Done()
	r.loop(func() {
		if n := len(r.b.run.contexts.clients); n != 0 {
			t.Errorf("%d contexts are kept", n)
		}
	})
}

func TestDefaultGoesOverTheLinks(t *testing.T) {
	g := newRigGateway(t, true)
	r := runBusiness(t, func(b *BusinessWorker) {
		b.OnMessage = func(e *Event, m []byte) {
			rigErr(t, JoinGroup(e.ClientID, "room"), nil)
			rigErr(t, e.Send("joined"), nil)
			rigErr(t, SendToGroup("room", m), nil)
		}
	}, g)
	l := g.link()
	l.event(wire.OnMessage, 5, "hi")
	if pk := l.expect(wire.JoinGroup, 5, ""); string(pk.Ext) != "room" {
		t.Errorf("group %q", pk.Ext)
	}
	l.expect(wire.SendToOne, 5, "joined")
	l.expect(wire.SendToGroup, 0, "hi")
	rigErr(t, r.b.run.links.send("127.0.0.1:1", make([]byte, wire.HeaderBytes)), ErrOffline)
}

func TestCallbacksThatAreNotSetAreSkipped(t *testing.T) {
	g := newRigGateway(t, true)
	r := runBusiness(t, func(b *BusinessWorker) {
		b.OnClose = func(e *Event) { rigErr(t, e.Send("bye"), nil) }
	}, g)
	l := g.link()
	l.event(wire.OnConnect, 1, "")
	l.event(wire.OnMessage, 1, "x")
	l.event(wire.OnClose, 1, "")
	l.expect(wire.SendToOne, 1, "bye")
	r.until("nothing is left", func() bool {
		return len(r.b.run.links.links[g.address()].seats) == 0
	})
}
