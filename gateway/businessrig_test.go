package gateway

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

// rigPatience is how long a test waits for what must happen.
const rigPatience = 20 * time.Second

// rigGateway is a Gateway without clients: a listener, and what a Gateway says on
// its links.
type rigGateway struct {
	t     testing.TB
	ln    net.Listener
	wm    bool        // it welcomes
	deaf  atomic.Bool // it closes each link at once
	lazy  atomic.Bool // it does not close when a BusinessWorker has shut its side
	still atomic.Bool // it does not answer probes by itself
	links chan *rigLink
	over  context.Context // ends with the test
	id    wire.ClientID   // with the number of no client

	mu       sync.Mutex
	all      []*rigLink
	sessions map[uint32]string
}

// rigLink is a link of a BusinessWorker, or a connection of another kind, at its
// Gateway.
type rigLink struct {
	g       *rigGateway
	conn    net.Conn
	hello   wire.Packet
	packets chan wire.Packet // but for hello, probes and sessions that the Gateway takes

	returned bool        // something; owned by read
	refuses  atomic.Bool // to take it, when it is drained

	mu sync.Mutex // one packet after another
}

func newRigGateway(t testing.TB, wm bool) *rigGateway {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &rigGateway{t: t, wm: wm, links: make(chan *rigLink, 100), over: t.Context()}
	g.serve(ln)
	t.Cleanup(g.close)
	return g
}

func (g *rigGateway) serve(ln net.Listener) {
	g.ln = ln
	g.sessions = make(map[uint32]string)
	addr := ln.Addr().(*net.TCPAddr)
	g.id = wire.ClientID{IP: 0x7f000001, Port: uint16(addr.Port)}
	go func() { // ends with the listener
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			l := &rigLink{g: g, conn: conn, packets: make(chan wire.Packet, 1<<16)}
			g.mu.Lock()
			g.all = append(g.all, l)
			g.mu.Unlock()
			go l.read() // ends with the connection
		}
	}()
}

func (g *rigGateway) address() string { return g.ln.Addr().String() }

// close ends the listener and all links.
func (g *rigGateway) close() {
	g.ln.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.all {
		l.conn.Close()
	}
}

func (g *rigGateway) session(client uint32) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sessions[client]
}

func (g *rigGateway) setSession(client uint32, session string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sessions[client] = session
}

// client is the id of one of its clients.
func (g *rigGateway) client(number uint32) string {
	id := g.id
	id.Connection = number
	return id.String()
}

// link waits for the next link.
func (g *rigGateway) link() *rigLink {
	g.t.Helper()
	return rigGet(g.t, g.links, "a link")
}

func (l *rigLink) read() {
	defer close(l.packets)
	defer func() {
		if !l.g.lazy.Load() {
			l.conn.Close()
		}
	}()
	if l.g.deaf.Load() {
		return
	}
	for first := true; ; first = false {
		pk, err := rigRead(l.conn)
		if err != nil {
			return
		}
		if first {
			l.hello = pk
			if l.g.wm && pk.Command == wire.WorkerConnect {
				l.write(wire.Packet{Command: wire.Welcome, Flag: wire.Scalar})
			}
			l.g.links <- l
			continue
		}
		if !l.serve(pk) {
			select {
			case l.packets <- pk:
			case <-l.g.over.Done(): // nobody wants it any more
				return
			}
		}
	}
}

// serve does what a Gateway does by itself.
func (l *rigLink) serve(pk wire.Packet) bool {
	if l.g.still.Load() {
		return false
	}
	switch pk.Command {
	case wire.SetSession:
		l.g.setSession(pk.ConnectionID, string(pk.Ext))
	case wire.Return:
		l.returned = true
		return false
	case wire.Drained:
		if l.returned && !l.refuses.Load() {
			l.write(wire.Packet{Command: wire.Drained, Flag: wire.Scalar})
		}
		return false
	case wire.IsOnline:
		l.raw(wire.AppendReply(nil, []byte("i:0;")))
	case wire.GetSessionByClientID:
		l.raw(wire.AppendReply(nil, []byte("N;")))
	default:
		return false
	}
	return true
}

func rigRead(r io.Reader) (wire.Packet, error) {
	var n [4]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return wire.Packet{}, err
	}
	frame := make([]byte, binary.BigEndian.Uint32(n[:]))
	copy(frame, n[:])
	if _, err := io.ReadFull(r, frame[4:]); err != nil {
		return wire.Packet{}, err
	}
	return wire.Parse(frame)
}

func (l *rigLink) write(pk wire.Packet) { l.raw(pk.Append(nil)) }

func (l *rigLink) raw(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn.Write(p) //nolint:errcheck // the end of the link is seen elsewhere
}

// event sends an event of a client with the session that the Gateway has.
func (l *rigLink) event(what wire.Command, client uint32, body string) {
	l.eventWith(what, client, l.g.session(client), body)
}

// eventWith sends one that was under way when the session was another.
func (l *rigLink) eventWith(what wire.Command, client uint32, session, body string) {
	l.write(l.g.packet(what, client, session, body))
}

func (g *rigGateway) packet(what wire.Command, client uint32, session, body string) wire.Packet {
	return wire.Packet{
		Command: what, Flag: wire.Scalar, LocalIP: g.id.IP, LocalPort: g.id.Port,
		ClientIP: 0x0a000007, ClientPort: 54321, ConnectionID: client, GatewayPort: 7272,
		Ext: []byte(session), Body: []byte(body),
	}
}

// next is the next packet that this link has got.
func (l *rigLink) next() wire.Packet {
	l.g.t.Helper()
	return rigGet(l.g.t, l.packets, "a packet")
}

// expect compares the next packet.
func (l *rigLink) expect(what wire.Command, client uint32, body string) wire.Packet {
	l.g.t.Helper()
	pk := l.next()
	if pk.Command != what || pk.ConnectionID != client || string(pk.Body) != body {
		l.g.t.Fatalf("got command %d for client %d with %q, want %d for %d with %q",
			pk.Command, pk.ConnectionID, pk.Body, what, client, body)
	}
	return pk
}

// expectEnd waits until the BusinessWorker has closed.
func (l *rigLink) expectEnd() {
	l.g.t.Helper()
	late := time.After(rigPatience)
	select {
	case pk, ok := <-l.packets:
		if ok {
			l.g.t.Fatalf("got command %d with %q, want the end of the link", pk.Command, pk.Body)
		}
	case <-late:
		l.g.t.Fatal("the link does not end")
	}
}

func rigGet[T any](t testing.TB, from chan T, what string) T {
	t.Helper()
	select {
	case v, ok := <-from:
		if !ok {
			t.Fatalf("the link ended; want %s", what)
		}
		return v
	case <-time.After(rigPatience):
		t.Fatalf("no %s in time", what)
	}
	panic("not reached")
}

// rig is a BusinessWorker in a test.
type rig struct {
	*wmtest.Service
	t testing.TB
	b *BusinessWorker
}

// runBusiness serves a BusinessWorker that knows of gateways.
func runBusiness(t testing.TB, set func(b *BusinessWorker), gateways ...*rigGateway) *rig {
	t.Helper()
	r := &rig{t: t}
	r.Service = wmtest.Run(t, func() {
		r.b = NewBusinessWorker()
		r.b.RegisterAddress = []string{rigNoRegister(t)}
		r.b.ReadyWait = 0
		set(r.b)
	})
	r.name(gateways...)
	return r
}

// rigNoRegister is an address where nobody is. At the usual one there may be a Register
// of somebody else on this machine, whose BusinessWorkers would come.
func rigNoRegister(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// name is what a Register does.
func (r *rig) name(gateways ...*rigGateway) {
	r.t.Helper()
	addresses := make([]string, 0, len(gateways))
	for _, g := range gateways {
		addresses = append(addresses, g.address())
	}
	r.loop(func() { r.b.run.links.changed(addresses) })
}

// loop runs fn on the loop.
func (r *rig) loop(fn func()) {
	r.t.Helper()
	r.Do(r.b.Name, func(*worker.Worker) { fn() })
}

// until waits for a condition, looked at on the loop.
func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(rigPatience); ; {
		held := false
		r.loop(func() { held = ok() })
		if held {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("not in time: %s", what)
		}
	}
}

// stop has the process leave, as a reload would.
func (r *rig) stop() {
	r.t.Helper()
	r.loop(func() { worker.StopAll(0, "the test is over") })
}

// rigErr fails the test unless err is want.
func rigErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// rigRefused says that a declaration is refused with a sentence that has want in it.
func rigRefused(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

// rigEventually waits for a condition that other goroutines bring about.
func rigEventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(rigPatience); !ok(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
