package gateway

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/gateway/wire"
)

// barrierGateway is a Gateway of PHP that serves its connections in the worst order that
// select() allows: each select() has passed the links when the bytes come that are
// on them, and finds the question that comes after those. What it has not found it
// finds the next time, and reads 64 KiB of it.
type barrierGateway struct {
	*apiListener
	t     *testing.T
	links chan *barrierLink

	mu      sync.Mutex // one turn after another
	all     []*barrierLink
	joined  map[string][]uint32 // groups
	asked   map[wire.Command]int
	silent  bool // it answers nothing
	younger bool // the links are younger than the connections of questions
}

// barrierLink is a link of a BusinessWorker at that Gateway.
type barrierLink struct {
	conn    *net.TCPConn
	found   int // bytes that the next select() finds
	pending []byte
	answers chan string // what handlers have sent
}

func newBarrierGateway(t *testing.T) *barrierGateway {
	t.Helper()
	g := &barrierGateway{
		t: t, links: make(chan *barrierLink, 10), joined: make(map[string][]uint32),
		asked: make(map[wire.Command]int),
	}
	g.apiListener = apiListen(t, "127.0.0.1:0", g.serve)
	return g
}

func (g *barrierGateway) serve(conn net.Conn) {
	hello, err := rigRead(conn)
	if err != nil {
		return
	}
	if hello.Command == wire.WorkerConnect {
		l := &barrierLink{conn: conn.(*net.TCPConn), answers: make(chan string, 1<<16)}
		g.mu.Lock()
		g.all = append(g.all, l)
		g.mu.Unlock()
		g.links <- l
		return
	}
	for {
		pk, err := rigRead(conn)
		if err != nil {
			return
		}
		g.turn(conn, pk)
	}
}

// turn is what follows a select() that has found a question, and of the links only what
// had come before the last one.
func (g *barrierGateway) turn(conn net.Conn, pk wire.Packet) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked[pk.Command]++
	if !g.younger {
		g.readLinks()
	}
	if !g.silent {
		g.answer(conn, pk)
	}
	if g.younger {
		g.readLinks()
	}
	for _, l := range g.all {
		l.look()
	}
}

func (g *barrierGateway) answer(conn net.Conn, pk wire.Packet) {
	switch pk.Command {
	case wire.IsOnline:
		_, _ = conn.Write(wire.AppendReply(nil, []byte("i:0;")))
	case wire.GetClientSessionsByGroup:
		var list strings.Builder
		for _, id := range g.joined[string(pk.Ext)] {
			fmt.Fprintf(&list, `i:%d;s:0:"";`, id)
		}
		text := fmt.Sprintf("a:%d:{%s}", len(g.joined[string(pk.Ext)]), list.String())
		_, _ = conn.Write(wire.AppendReply(nil, []byte(text)))
	}
}

// look notes what has come.
func (l *barrierLink) look() {
	if raw, err := l.conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			l.found, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ)
		})
	}
}

func (g *barrierGateway) readLinks() {
	for _, l := range g.all {
		g.read(l)
	}
}

// read reads what was found, in one turn of PHP.
func (g *barrierGateway) read(l *barrierLink) {
	buf := make([]byte, min(l.found, 65535))
	l.found = 0
	if n, err := io.ReadFull(l.conn, buf); err != nil {
		buf = buf[:n]
	}
	l.pending = append(l.pending, buf...)
	for {
		size, err := wire.Length(l.pending, wire.MaxPacketBytes)
		if err != nil || size == 0 || len(l.pending) < size {
			return
		}
		pk, _ := wire.Parse(slices.Clone(l.pending[:size]))
		l.pending = l.pending[size:]
		switch pk.Command {
		case wire.JoinGroup:
			g.joined[string(pk.Ext)] = append(g.joined[string(pk.Ext)], pk.ConnectionID)
		case wire.SendToOne:
			l.answers <- string(pk.Body)
		}
	}
}

// next looks until a handler has answered.
func (g *barrierGateway) next(l *barrierLink) string {
	answer := ""
	rigEventually(g.t, "an answer of the handler", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		l.look()
		g.read(l)
		for {
			select {
			case answer = <-l.answers:
				if !strings.HasPrefix(answer, "ballast") {
					return true
				}
			default:
				return false
			}
		}
	})
	return answer
}

func (g *barrierGateway) askedFor(what wire.Command) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked[what]
}

// joining puts so many bytes on the link, then joins a group and lists it.
func joining(ballast int) func(b *BusinessWorker) {
	return func(b *BusinessWorker) {
		b.OnMessage = func(e *Event, group []byte) {
			for range ballast / 1000 {
				_ = e.Send("ballast" + strings.Repeat(".", 1000))
			}
			err := JoinGroup(e.ClientID, string(group))
			list, err2 := ClientSessionsByGroup(string(group))
			sees := slices.ContainsFunc(list, func(s ClientSession) bool {
				return s.ClientID == e.ClientID
			})
			_ = e.Send(fmt.Sprint(sees, err, err2))
		}
	}
}

func (g *barrierGateway) event(l *barrierLink, client uint32, group string) {
	id, _ := placeOf(g.address)
	pk := wire.Packet{
		Command: wire.OnMessage, Flag: wire.Scalar, LocalIP: id.IP, LocalPort: id.Port,
		ConnectionID: client, Body: []byte(group),
	}
	_, _ = l.conn.Write(pk.Append(nil))
}

// Who joins a group and lists it is in it, however a PHP Gateway serves them.
func TestAHandlerSeesItselfAtTheSlowestPHPGateway(t *testing.T) {
	for _, concurrency := range []int{1, 8} {
		for _, ballast := range []int{0, 60e3, 400e3} {
			t.Run(fmt.Sprintf("%d at a time, %d bytes", concurrency, ballast), func(t *testing.T) {
				g := newBarrierGateway(t)
				r := runBusiness(t, func(b *BusinessWorker) {
					joining(ballast)(b)
					b.Concurrency = concurrency
				})
				r.loop(func() { r.b.run.links.changed([]string{g.address}) })
				l := apiNext(t, g.links, "a link")
				for n := range uint32(4) {
					g.event(l, n+1, fmt.Sprint("group ", n))
					if got := g.next(l); got != "true <nil> <nil>" {
						t.Errorf("client %d: %s", n+1, got)
					}
				}
			})
		}
	}
}

// The connection of the questions may be older than the link, and is then served before
// it: the select() that finds the link has the next question first.
func TestAHandlerSeesItselfOverAYoungLink(t *testing.T) {
	g := newBarrierGateway(t)
	g.younger = true
	r := runBusiness(t, joining(0))
	r.loop(func() {
		r.b.run.links.changed([]string{g.address})
		if _, err := ClientSessionsByGroup("g"); err != nil { // the link does not stand yet
			t.Error(err)
		}
	})
	l := apiNext(t, g.links, "a link")
	for n := range uint32(10) {
		g.event(l, n+1, fmt.Sprint("group ", n))
		if got := g.next(l); got != "true <nil> <nil>" {
			t.Errorf("client %d: %s", n+1, got)
		}
	}
}

// Several Gateways are asked at the same time, and the loop waits for that.
func TestAHandlerSeesItselfAtOneOfTwoPHPGateways(t *testing.T) {
	g, other := newBarrierGateway(t), newBarrierGateway(t)
	r := runBusiness(t, joining(0))
	r.loop(func() { r.b.run.links.changed([]string{g.address, other.address}) })
	l := apiNext(t, g.links, "a link")
	apiNext(t, other.links, "a link")
	for n := range uint32(4) {
		g.event(l, n+1, fmt.Sprint("group ", n))
		if got := g.next(l); got != "true <nil> <nil>" {
			t.Errorf("client %d: %s", n+1, got)
		}
	}
}

// A question behind nothing is asked at once, and one that follows another.
func TestNothingIsAskedTwiceWithoutNeed(t *testing.T) {
	g := newBarrierGateway(t)
	r := runBusiness(t, func(b *BusinessWorker) {
		b.OnMessage = func(e *Event, _ []byte) {
			for range 3 {
				if _, err := ClientSessionsByGroup("g"); err != nil {
					t.Error(err)
				}
			}
			_ = JoinGroup(e.ClientID, "g")
			for range 3 {
				if _, err := ClientSessionsByGroup("g"); err != nil {
					t.Error(err)
				}
			}
			_ = e.Send("done")
		}
	})
	r.loop(func() { r.b.run.links.changed([]string{g.address}) })
	l := apiNext(t, g.links, "a link")
	g.event(l, 1, "g")
	g.next(l)
	cheap, others := g.askedFor(wire.IsOnline), g.askedFor(wire.GetClientSessionsByGroup)
	if cheap != 1 || others != 6 {
		t.Errorf("%d cheap questions and %d others, want 1 and 6", cheap, others)
	}
}

// A Gateway of wm is asked once.
func TestAGatewayOfWMIsAskedOnce(t *testing.T) {
	g := newRigGateway(t, true)
	r := runBusiness(t, func(b *BusinessWorker) {
		b.OnMessage = func(e *Event, _ []byte) {
			_ = JoinGroup(e.ClientID, "g")
			online, err := Default.IsOnline(context.Background(), e.ClientID)
			_ = e.Send(fmt.Sprint(online, err))
		}
	}, g)
	l := g.link()
	r.until("it is welcomed", func() bool { return r.b.run.links.links[g.address()].wm })
	l.event(wire.OnMessage, 1, "")
	l.expect(wire.JoinGroup, 1, "")
	l.expect(wire.SendToOne, 1, "false <nil>")
	if m := r.b.run.links.unread(g.address()); m.behind > 0 {
		t.Errorf("%d bytes may not be read", m.behind)
	}
}
