package gateway

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
)

func TestClosedClient(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	g, ctx := gateways[0], context.Background()
	if err := c.SendToAll(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	apiNext(t, g.ended, "end of the connection")
	apiNoGoroutines(t)
	_, err := c.AllClientCount(ctx)
	if !errors.Is(err, ErrClosed) || !errors.Is(c.SendToAll(ctx, "x"), ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	var none *Client
	if err := none.Close(); err != nil {
		t.Error(err)
	}
	if err := new(Client).Close(); err != nil {
		t.Error(err)
	}
}

func TestCancelledContextDoesNothing(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := c.AllClientCount(ctx)
	if sent := c.SendToAll(ctx, "x"); !errors.Is(err, context.Canceled) ||
		!errors.Is(sent, context.Canceled) {
		t.Errorf("asked %v, sent %v, want context.Canceled", err, sent)
	}
	gateways[0].silent(c)
}

func TestCloseEndsQuestions(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	result := make(chan error)
	go func() {
		_, err := c.AllClientCount(context.Background())
		result <- err
	}()
	gateways[0].next()
	_ = c.Close()
	if err := apiNext(t, result, "result"); !errors.Is(err, ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
}

func TestCloseEndsTheSearchForGateways(t *testing.T) {
	said := make(chan bool, 1)
	ln := apiListen(t, "127.0.0.1:0", func(conn net.Conn) {
		_, err := conn.Read(make([]byte, 1))
		said <- err == nil
	})
	c := apiClient(t)
	c.RegisterAddress = []string{ln.address}
	result := make(chan error)
	go func() { result <- c.SendToAll(context.Background(), "x") }()
	apiNext(t, said, "hello")
	_ = c.Close()
	if err := apiNext(t, result, "result"); !errors.Is(err, ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
}

func TestForgottenClientHoldsNothing(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	c.IdleTimeout = 20 * time.Millisecond
	g, ctx := gateways[0], context.Background()
	for range 2 {
		if err := c.SendToAll(ctx, "x"); err != nil {
			t.Fatal(err)
		}
		g.next()
		apiNext(t, g.ended, "end of the connection")
		apiNoGoroutines(t)
	}
}

// What an idle Client knew is not forgotten.
func TestIdleClientRemembersTheGateways(t *testing.T) {
	g := newAPIGateway(t)
	r := newAPIRegister(t, apiList(g))
	c := apiClient(t, r)
	c.IdleTimeout = 20 * time.Millisecond
	if err := c.SendToAll(context.Background(), "x"); err != nil {
		t.Fatal(err)
	}
	g.next()
	r.close()
	apiNext(t, g.ended, "end of the connection")
	apiNoGoroutines(t)
	if err := c.SendToAll(context.Background(), "x"); err != nil {
		t.Fatal(err)
	}
	g.next()
}

func TestCallsDoNotCountAsIdle(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	c.IdleTimeout = time.Millisecond
	g := gateways[0].on(wire.GetClientCountByGroup, "i:1;")
	g.hangs = make(chan struct{})
	result := make(chan error)
	go func() {
		_, err := c.AllClientCount(context.Background())
		result <- err
	}()
	g.next()
	for range 20 { // ticks
		c.tidy()
	}
	g.hangs <- struct{}{}
	if err := apiNext(t, result, "result"); err != nil {
		t.Error(err)
	}
}

// apiUplinks are the links of a BusinessWorker, as far as a Client sees them.
type apiUplinks struct {
	named, linked []string

	mu      sync.Mutex // guards log
	log     []string
	failing error
}

func (u *apiUplinks) gateways() (named, linked []string) { return u.named, u.linked }

func (u *apiUplinks) send(address string, packet []byte) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !slices.Contains(u.linked, address) {
		return ErrOffline
	}
	pk, err := wire.Parse(packet)
	u.log = append(u.log, address+" "+string(pk.Body))
	return err
}

func (u *apiUplinks) flush(
	addresses []string, deadline time.Time, sent func(i int, err error),
) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.log = append(u.log, "flush")
	for i := range addresses {
		if err := u.failing; time.Until(deadline) <= 0 {
			sent(i, errors.New("no time"))
		} else {
			sent(i, err)
		}
	}
}

// unread and the others are of Gateways of wm, whose links all stand.
func (u *apiUplinks) unread(string) mark   { return mark{} }
func (u *apiUplinks) wasRead(string, mark) {}
func (u *apiUplinks) held() bool           { return false }
func (u *apiUplinks) down(string) bool     { return false }

func (u *apiUplinks) taken(context.Context, string, bool, bool) error { return nil }

func TestBusinessWorkerSendsOverItsLinks(t *testing.T) {
	g, unlinked := newAPIGateway(t), newAPIGateway(t)
	for _, g := range []*apiGateway{g, unlinked} {
		g.on(wire.GetClientCountByGroup, "i:2;").on(wire.IsOnline, "i:1;")
	}
	links := &apiUplinks{
		named: []string{g.address, unlinked.address}, linked: []string{g.address},
	}
	c := apiClient(t)
	c.via = links
	ctx := context.Background()
	if err := c.SendToAll(ctx, "all"); err != nil {
		t.Error(err)
	}
	if err := c.SendToClient(ctx, g.id(1), "one"); err != nil {
		t.Error(err)
	}
	if err := c.SendToClients(ctx, []string{g.id(1), g.id(2)}, "some"); err != nil {
		t.Error(err)
	}
	apiMissing(t, c.SendToClient(ctx, unlinked.id(1), "x"), ErrOffline, unlinked.address)
	if n, err := c.AllClientCount(ctx); n != 4 || err != nil {
		t.Errorf("count %d, %v", n, err)
	}
	if online, err := c.IsOnline(ctx, unlinked.id(1)); !online || err != nil {
		t.Errorf("online %v, %v", online, err)
	}
	want := []string{g.address + " all", g.address + " one", g.address + " some", "flush", "flush"}
	if !slices.Equal(links.log, want) {
		t.Errorf("links got %q, want %q", links.log, want)
	}
	links.failing = ErrTimeout
	if _, err := c.AllClientCount(ctx); !errors.Is(err, ErrTimeout) {
		t.Errorf("without a flush: %v", err)
	}
	links.named, links.linked = nil, nil
	if err := c.SendToAll(ctx, "x"); !errors.Is(err, ErrNoGateway) {
		t.Errorf("without links: %v", err)
	}
	if _, err := c.AllClientCount(ctx); !errors.Is(err, ErrNoGateway) {
		t.Errorf("without Gateways: %v", err)
	}
}

func TestPartialErrorSaysWhoAndWhy(t *testing.T) {
	err := missing([]string{"a:1", "b:2", "c:3"}, []error{ErrOffline, nil, ErrTimeout})
	var partial *PartialError
	if !errors.As(err, &partial) || !slices.Equal(partial.Missing, []string{"a:1", "c:3"}) {
		t.Fatal(err)
	}
	if !errors.Is(err, ErrTimeout) || !errors.Is(err, ErrOffline) || errors.Is(err, ErrClosed) {
		t.Error("causes are not found")
	}
	want := "gateway: Gateway a:1: the Gateway is not connected; Gateway c:3: no answer in time"
	if err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	if err := missing([]string{"a:1"}, []error{nil}); err != nil {
		t.Errorf("nobody is missing: %v", err)
	}
	if s := (&PartialError{Missing: []string{"a:1"}}).Error(); !strings.Contains(s, "a:1") {
		t.Error(s)
	}
}

func TestGatewayThatIsNamedNoMoreGetsNoConnection(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	s, err := c.socket(gateways[0].address)
	if err != nil {
		t.Fatal(err)
	}
	c.keepOnly(nil) // between the choice of a Gateway and the first byte to it
	ctx, stop := context.WithTimeout(t.Context(), c.timeout())
	defer stop()
	ping := wire.Packet{Command: wire.Ping, Flag: wire.Scalar}
	if _, err := s.write(ctx, ping.Append(nil), nil); !errors.Is(err, ErrOffline) {
		t.Errorf("%v, want ErrOffline", err)
	}
	apiNoGoroutines(t)
}
