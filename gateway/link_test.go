package gateway

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

// keys are the keys of the links in the order in which they connected.
func (s *linkService) keys() (keys []string) {
	s.t.Helper()
	s.do(func(p *process) {
		for _, l := range p.links.list {
			keys = append(keys, l.Key)
		}
	})
	return keys
}

func TestLinksComeAndGo(t *testing.T) {
	var events []string
	s := linkServe(t, func(g *Gateway) {
		g.OnBusinessWorkerConnected = func(l *Link) { events = append(events, "+"+l.Key) }
		g.OnBusinessWorkerClose = func(l *Link) { events = append(events, "-"+l.Key) }
	})
	a := s.link("BW:0")
	s.linkWM("BW:1")
	a.hello(wire.WorkerHello{Key: "BW:0"}) // again
	a.ask(1)
	if got, want := s.keys(), []string{"127.0.0.1:BW:0", "127.0.0.1:BW:1"}; !slices.Equal(got, want) {
		t.Errorf("links %q, want %q", got, want)
	}
	a.Close()
	s.do(func(*process) {
		want := "+127.0.0.1:BW:0 +127.0.0.1:BW:1 -127.0.0.1:BW:0"
		if got := strings.Join(events, " "); got != want {
			t.Errorf("events %q, want %q", got, want)
		}
	})
}

func TestABusinessWorkerThatComesBackReplacesItsLink(t *testing.T) {
	s := linkServe(t, nil)
	old := s.link("BW:0")
	c := s.Dial("Gateway")
	old.expect(wire.OnConnect, "")
	back := s.link("BW:0")
	old.expectEnd()
	s.ExpectLog("127.0.0.1:BW:0 has connected again")
	c.Send("hello")
	back.expect(wire.OnMessage, "hello") // the end of the old one has not taken it away
	if keys := s.keys(); len(keys) != 1 {
		t.Errorf("links %q", keys)
	}
}

func TestTwoBusinessWorkersOfOneNameDoNotFightForEver(t *testing.T) {
	s := linkServe(t, nil)
	s.link("BW:0")
	s.link("BW:0")
	stays := s.link("BW:0")
	for range 20 {
		p := s.peer()
		p.hello(wire.WorkerHello{Key: "BW:0", WM: true})
		p.expectEnd()
		s.Advance(time.Second)
	}
	s.ExpectLog("several BusinessWorkers call themselves 127.0.0.1:BW:0: give each")
	stays.ask(1)
	s.Advance(11 * time.Second) // nobody fights any more
	s.link("BW:0")
	stays.expectEnd()
}

func TestPingsAreForOtherHosts(t *testing.T) {
	for _, lan := range []string{"127.0.0.1", "127.0.0.2"} {
		t.Run(lan, func(t *testing.T) {
			s := linkServe(t, func(g *Gateway) { g.LanIP = lan })
			l := s.link("BW:0")
			s.Advance(26 * time.Second)
			if lan != "127.0.0.1" {
				l.expect(wire.Ping, "")
			}
			s.Dial("Gateway")
			l.expect(wire.OnConnect, "")
		})
	}
}

func TestClientsGoToTheLinkWithTheFewest(t *testing.T) {
	s := linkServe(t, nil)
	a, b := s.link("BW:0"), s.link("BW:1")
	s.Dial("Gateway")
	a.expect(wire.OnConnect, "")
	second := s.Dial("Gateway")
	b.expect(wire.OnConnect, "")
	s.Dial("Gateway")
	a.expect(wire.OnConnect, "")
	c := s.link("BW:2") // begins at 0
	s.Dial("Gateway")
	c.expect(wire.OnConnect, "")
	second.Close()
	b.expect(wire.OnClose, "")
	s.Dial("Gateway")
	b.expect(wire.OnConnect, "")
}

func TestRouters(t *testing.T) {
	last := func(links []*Link, _ *worker.Connection) *Link { return links[len(links)-1] }
	tests := []struct {
		name   string
		router func(links []*Link, c *worker.Connection) *Link
		want   string // the link of the first client, empty: any
		log    string
	}{
		{"its own choice", last, "127.0.0.1:BW:2", ""},
		{"random", Random, "", ""},
		{"nil", func([]*Link, *worker.Connection) *Link { return nil }, "127.0.0.1:BW:0",
			"Router returned nil"},
		{"another link", func([]*Link, *worker.Connection) *Link { return &Link{} },
			"127.0.0.1:BW:0", "Router returned nil or a link that it was not given"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked := 0
			s := linkServe(t, func(g *Gateway) {
				g.Router = func(links []*Link, c *worker.Connection) *Link {
					asked++
					return tt.router(links, c)
				}
			})
			for n := range 3 {
				s.link(fmt.Sprintf("BW:%d", n))
			}
			c := s.Dial("Gateway")
			c.Send("one")
			c.Send("two")
			s.do(func(p *process) {
				for _, cl := range p.of {
					if tt.want != "" && cl.link.Key != tt.want {
						t.Errorf("bound to %s, want %s", cl.link.Key, tt.want)
					}
				}
				if asked != 1 || len(p.of) != 1 {
					t.Errorf("asked %d times for %d clients", asked, len(p.of))
				}
			})
			if tt.log != "" {
				s.ExpectLog(tt.log)
			}
		})
	}
}

func TestIPv6Clients(t *testing.T) {
	for _, wm := range []bool{false, true} {
		t.Run(fmt.Sprint("wm ", wm), func(t *testing.T) {
			s := linkServeAt(t, "text://[::1]:7272", nil)
			l := s.linked("BW:0", wm)
			want := netip.IPv4Unspecified()
			if wm {
				want = netip.IPv6Loopback()
			}
			c := s.Dial("Gateway")
			c.Send("hello")
			l.expect(wire.OnConnect, "")
			pk := l.expect(wire.OnMessage, "hello")
			if got := pk.ClientAddr(); got != want || pk.ClientPort == 0 {
				t.Errorf("client %v port %d, want %v", got, pk.ClientPort, want)
			}
		})
	}
}

func TestHeaderOfAnEvent(t *testing.T) {
	s := linkServe(t, nil)
	l := s.link("BW:0")
	c := s.Dial("Gateway")
	id := l.expect(wire.OnConnect, "").ConnectionID
	l.send(wire.Packet{Command: wire.SetSession, ConnectionID: id, Ext: []byte("a:0:{}")})
	l.ask(id)
	c.Send("hello")
	pk := l.expect(wire.OnMessage, "hello")
	public := netip.MustParseAddrPort(s.Addr("Gateway"))
	inner := netip.MustParseAddrPort(s.inner())
	want := wire.Packet{
		Command: wire.OnMessage, Flag: wire.Scalar, LocalIP: 0x7f000001, LocalPort: inner.Port(),
		ClientIP: 0x7f000001, ClientPort: pk.ClientPort, ConnectionID: id,
		GatewayPort: public.Port(),
	}
	if string(pk.Ext) != "a:0:{}" {
		t.Errorf("session %q", pk.Ext)
	}
	pk.Ext, pk.Body = nil, nil
	if fmt.Sprint(pk) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", pk, want)
	}
}

func TestSeveralGatewaysOfOneProgram(t *testing.T) {
	s := wmtest.Run(t, func() {
		for n := range 3 {
			g := New("text://127.0.0.1:7272")
			g.Name, g.StartPort = fmt.Sprint("gateway ", n), 2000+n
			g.RegisterAddress = []string{rigNoRegister(t)}
		}
	})
	seen := map[string]bool{}
	for n := range 3 {
		name := fmt.Sprint("gateway ", n)
		l := linkDial(t, s.Addr(name+" inner"))
		l.hello(wire.WorkerHello{Key: "BW:0"})
		l.ask(1)
		c := s.Dial(name)
		pk := l.expect(wire.OnConnect, "")
		seen[fmt.Sprint(pk.LocalPort)] = true
		l.send(linkSendTo(pk.ConnectionID, name))
		c.Expect(name)
	}
	if len(seen) != 3 {
		t.Errorf("inner ports %v", seen)
	}
}
