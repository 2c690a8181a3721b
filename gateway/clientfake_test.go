package gateway

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
)

// apiPatience is how long a test of the API waits for what should come at once.
const apiPatience = 20 * time.Second

// apiShort is a Timeout that one Gateway lets pass while others answer in it.
const apiShort = 2 * time.Second

// apiListener is a listener that closes with the test, and all its connections.
type apiListener struct {
	t       testing.TB
	ln      net.Listener
	address string

	mu    sync.Mutex // guards conns
	conns []net.Conn
	gone  bool
}

func apiListen(t testing.TB, address string, serve func(conn net.Conn)) *apiListener {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	l := &apiListener{t: t, ln: ln, address: ln.Addr().String()}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			if !l.keep(conn) {
				_ = conn.Close()
				return
			}
			served.Go(func() { serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.close()
		served.Wait()
	})
	return l
}

func (l *apiListener) keep(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, conn)
	return !l.gone
}

// hangUp closes the connections, close the listener too.
func (l *apiListener) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		_ = conn.Close()
	}
	l.conns = nil
}

func (l *apiListener) close() {
	l.mu.Lock()
	l.gone = true
	l.mu.Unlock()
	_ = l.ln.Close()
	l.hangUp()
}

// apiRegister is a Register of a test.
type apiRegister struct {
	*apiListener

	mu      sync.Mutex // guards the fields below
	list    string     // JSON
	workers []net.Conn
	hello   chan string // first lines
}

func newAPIRegister(t testing.TB, list string) *apiRegister {
	t.Helper()
	return apiRegisterAt(t, "127.0.0.1:0", list)
}

func apiRegisterAt(t testing.TB, address, list string) *apiRegister {
	t.Helper()
	r := &apiRegister{list: list, hello: make(chan string, 100)}
	r.apiListener = apiListen(t, address, func(conn net.Conn) {
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil {
			return
		}
		r.hello <- line
		r.mu.Lock()
		defer r.mu.Unlock()
		r.workers = append(r.workers, conn)
		r.say(conn)
	})
	return r
}

func (r *apiRegister) say(conn net.Conn) {
	fmt.Fprintf(conn, `{"event":"broadcast_addresses","addresses":%s}`+"\n", r.list)
}

// broadcast says a new list to all.
func (r *apiRegister) broadcast(list string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = list
	for _, conn := range r.workers {
		r.say(conn)
	}
}

func apiList(gateways ...*apiGateway) string {
	list := make([]string, len(gateways))
	for i, g := range gateways {
		list[i] = g.address
	}
	b, _ := json.Marshal(list)
	return string(b)
}

// apiGateway is a Gateway of a test: it notes what comes and answers what it is told.
type apiGateway struct {
	*apiListener
	got    chan wire.Packet // without hellos
	opened chan string      // secrets of hellos
	ended  chan struct{}    // connections that the client has closed
	hangs  chan struct{}    // received from before each answer, when not nil

	mu      sync.Mutex // guards answers
	answers map[wire.Command]string
}

func newAPIGateway(t testing.TB) *apiGateway {
	t.Helper()
	return apiGatewayAt(t, "127.0.0.1:0")
}

func apiGatewayAt(t testing.TB, address string) *apiGateway {
	t.Helper()
	g := &apiGateway{
		got: make(chan wire.Packet, 1000), opened: make(chan string, 100),
		ended: make(chan struct{}, 100), answers: make(map[wire.Command]string),
	}
	g.apiListener = apiListen(t, address, g.serve)
	return g
}

// on says how a question is answered; those without an answer are ignored.
func (g *apiGateway) on(what wire.Command, serialised string) *apiGateway {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answers[what] = serialised
	return g
}

func (g *apiGateway) serve(conn net.Conn) {
	r := bufio.NewReader(conn)
	for first := true; ; first = false {
		pk, err := apiReadPacket(r)
		if err != nil {
			if err == io.EOF {
				g.ended <- struct{}{}
			}
			return
		}
		if first {
			hello, err := wire.ParseClientHello(&pk)
			if err != nil || pk.Command != wire.GatewayClientConnect {
				g.t.Errorf("first packet %d: %v", pk.Command, err)
			}
			g.opened <- hello.Secret
			continue
		}
		g.got <- pk
		g.mu.Lock()
		answer, ok := g.answers[pk.Command]
		g.mu.Unlock()
		if !ok {
			continue
		}
		if g.hangs != nil {
			<-g.hangs
		}
		answer = strings.ReplaceAll(answer, "EXT", fmt.Sprintf("%d:\"%s\"", len(pk.Ext), pk.Ext))
		_, _ = conn.Write(wire.AppendReply(nil, []byte(answer)))
	}
}

func apiReadPacket(r *bufio.Reader) (wire.Packet, error) {
	head, err := r.Peek(4)
	if err != nil {
		return wire.Packet{}, err
	}
	n, err := wire.Length(head, wire.MaxPacketBytes)
	if err != nil {
		return wire.Packet{}, err
	}
	frame := make([]byte, n)
	if _, err := io.ReadFull(r, frame); err != nil {
		return wire.Packet{}, err
	}
	return wire.Parse(frame)
}

// next returns the next packet that has come.
func (g *apiGateway) next() wire.Packet {
	g.t.Helper()
	return apiNext(g.t, g.got, "a packet")
}

// silent fails when something has come. What the test has called has returned, and
// a later packet has been seen by marker.
func (g *apiGateway) silent(c *Client) {
	g.t.Helper()
	if _, err := c.IsOnline(context.Background(), g.id(1)); err != nil {
		g.t.Fatal(err)
	}
	if pk := g.next(); pk.Command != wire.IsOnline {
		g.t.Errorf("packet %d has come: %q %q", pk.Command, pk.Ext, pk.Body)
	}
}

// id is the client id of a connection of g.
func (g *apiGateway) id(connection uint32) string {
	id, err := placeOf(g.address)
	if err != nil {
		g.t.Fatal(err)
	}
	id.Connection = connection
	return id.String()
}

func apiNext[T any](t testing.TB, ch chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(apiPatience):
		t.Fatalf("no %s within %v", what, apiPatience)
		panic("not reached")
	}
}

// apiClient is a Client of Registers, closed with the test, which fails when
// goroutines are left.
func apiClient(t testing.TB, registers ...*apiRegister) *Client {
	t.Helper()
	c := &Client{SecretKey: "s3cret", Timeout: apiPatience}
	for _, r := range registers {
		c.RegisterAddress = append(c.RegisterAddress, r.address)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		apiNoGoroutines(t)
	})
	return c
}

// apiNoGoroutines waits until none of a Client is left.
func apiNoGoroutines(t testing.TB) {
	t.Helper()
	left := ""
	for end := time.Now().Add(apiPatience); time.Now().Before(end); runtime.Gosched() {
		if left = apiGoroutine(); left == "" {
			return
		}
	}
	t.Errorf("a goroutine is left:\n%s", left)
}

// apiGoroutine returns the stack of a goroutine of a Client.
func apiGoroutine() string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	for g := range strings.SplitSeq(string(buf), "\n\n") {
		for _, of := range []string{"gateway.(*stream)", "gateway.(*directory)", "pingRegister"} {
			if strings.Contains(g, of) {
				return g
			}
		}
	}
	return ""
}

// apiCluster is a Client of n Gateways.
func apiCluster(t testing.TB, n int) (*Client, []*apiGateway) {
	t.Helper()
	gateways := make([]*apiGateway, n)
	for i := range gateways {
		gateways[i] = newAPIGateway(t).on(wire.IsOnline, "i:0;")
	}
	return apiClient(t, newAPIRegister(t, apiList(gateways...))), gateways
}

// apiMissing checks that err names just these Gateways, for a cause.
func apiMissing(t testing.TB, err error, cause error, gateways ...string) {
	t.Helper()
	partial, ok := err.(*PartialError)
	if !ok || !slices.Equal(partial.Missing, gateways) {
		t.Fatalf("error %v, want a PartialError of %v", err, gateways)
	}
	for _, why := range partial.Unwrap() {
		if !apiIs(why, cause) {
			t.Errorf("missing because of %v, want %v", why, cause)
		}
	}
}

// apiVectors are the packets and answers of PHP by name.
func apiVectors(t testing.TB) (packets map[string][]byte, replies map[string]string) {
	t.Helper()
	data, err := os.ReadFile("../testdata/gateway/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Packets []struct{ Name, Hex string }
		Replies []struct{ Name, Payload string } `json:"query_replies"`
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	packets, replies = make(map[string][]byte), make(map[string]string)
	for _, p := range v.Packets {
		if packets[p.Name], err = hex.DecodeString(p.Hex); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range v.Replies {
		replies[r.Name] = r.Payload
	}
	return packets, replies
}

func apiHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
