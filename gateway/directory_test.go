package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
)

// closedAddress is one that nobody listens at.
func closedAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// apiKnown waits until c knows just these Gateways.
func apiKnown(t *testing.T, c *Client, want ...string) {
	t.Helper()
	dir, err := c.directory()
	if err != nil {
		t.Fatal(err)
	}
	limit := time.After(apiPatience)
	for {
		dir.mu.Lock()
		known, changed := dir.last, dir.changed
		dir.mu.Unlock()
		if reflect.DeepEqual(known, want) {
			return
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("known %v, want %v", known, want)
		}
	}
}

func TestHelloToRegister(t *testing.T) {
	c, _ := apiCluster(t, 1)
	c.SecretKey = "a\"b"
	r := newAPIRegister(t, `["127.0.0.1:1"]`)
	c.RegisterAddress = []string{r.address}
	apiKnown(t, c, "127.0.0.1:1")
	want := `{"event":"worker_connect","secret_key":"a\"b"}` + "\n"
	if line := apiNext(t, r.hello, "hello"); line != want {
		t.Errorf("said %q, want %q", line, want)
	}
}

func TestBroadcasts(t *testing.T) {
	for _, test := range []struct {
		line string
		want []string // nil: an error
	}{
		{`{"event":"broadcast_addresses","addresses":["1.2.3.4:5","1.2.3.4:6"]}`,
			[]string{"1.2.3.4:5", "1.2.3.4:6"}},
		{`{"event":"broadcast_addresses","addresses":{"0":"1.2.3.4:9","2":"1.2.3.4:6"}}`,
			[]string{"1.2.3.4:9", "1.2.3.4:6"}},
		{`{"event":"broadcast_addresses","addresses":["1.2.3.4:5","1.2.3.4:5"]}`,
			[]string{"1.2.3.4:5"}},
		{`{"event":"broadcast_addresses","addresses":["1.2.3.4:5","x"]}`, nil},
		{`{"event":"broadcast_addresses","addresses":[]}`, []string{}},
		{`{"event":"broadcast_addresses","addresses":"1.2.3.4:5"}`, nil},
		{`{"event":"broadcast_addresses","addresses":null}`, nil},
		{`{"event":"broadcast_addresses"}`, nil},
		{`{"event":"other","addresses":[]}`, nil},
		{`[]`, nil}, {`{`, nil}, {``, nil}, {`Wrong request`, nil},
	} {
		got, err := parseBroadcast([]byte(test.line))
		if test.want == nil {
			if err == nil {
				t.Errorf("%s: %v, want an error", test.line, got)
			}
			continue
		}
		if err != nil || len(got) != len(test.want) ||
			len(got) > 0 && !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, %v", test.line, got, err)
		}
	}
}

func FuzzParseBroadcast(f *testing.F) {
	f.Add([]byte(`{"event":"broadcast_addresses","addresses":{"0":"1.2.3.4:9","2":"[::1]:6"}}`))
	f.Add([]byte(`{"event":"broadcast_addresses","addresses":["1.2.3.4:5",[[["x"]]],{"a":1}]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		list, err := parseBroadcast(line)
		if err != nil && list != nil {
			t.Errorf("a list beside %v", err)
		}
		for _, address := range list {
			if _, _, err := net.SplitHostPort(address); err != nil {
				t.Errorf("%q is no address", address)
			}
		}
	})
}

func TestGatewaysComeAndGo(t *testing.T) {
	g, other := newAPIGateway(t), newAPIGateway(t)
	r := newAPIRegister(t, apiList(g))
	c := apiClient(t, r)
	apiKnown(t, c, g.address)
	r.broadcast(apiList(other, g))
	apiKnown(t, c, other.address, g.address)
	r.broadcast(apiList(other))
	apiKnown(t, c, other.address)
	r.broadcast(`[]`)
	if err := c.SendToAll(context.Background(), "x"); err == nil {
		other.next() // the list has not arrived yet
	}
	apiKnown(t, c)
	if err := c.SendToAll(context.Background(), "x"); !errors.Is(err, ErrNoGateway) {
		t.Errorf("without Gateways: %v", err)
	}
}

func TestRegistersAreUnited(t *testing.T) {
	a, b, both := newAPIGateway(t), newAPIGateway(t), newAPIGateway(t)
	one, two := newAPIRegister(t, apiList(a, both)), newAPIRegister(t, apiList(both, b))
	c := apiClient(t, one, two)
	c.RegisterAddress = append([]string{closedAddress(t)}, c.RegisterAddress...)
	apiKnown(t, c, a.address, both.address, b.address)
	two.close()
	apiKnown(t, c, a.address, both.address)
}

func TestPushesGoOnWithoutRegister(t *testing.T) {
	g := newAPIGateway(t)
	r := newAPIRegister(t, apiList(g))
	c := apiClient(t, r)
	ctx := context.Background()
	if err := c.SendToAll(ctx, "first"); err != nil {
		t.Fatal(err)
	}
	g.next()
	r.close()
	apiRegisterGone(t, c)
	if err := c.SendToAll(ctx, "second"); err != nil {
		t.Fatal(err)
	}
	if pk := g.next(); string(pk.Body) != "second" {
		t.Errorf("got %q", pk.Body)
	}
	// It comes back and knows nobody yet: its Gateways announce themselves later.
	r = apiRegisterAt(t, r.address, `[]`)
	apiNext(t, r.hello, "hello")
	dir, _ := c.directory()
	apiUntil(t, dir, func() bool { return dir.registers[0].connected })
	if err := c.SendToAll(ctx, "third"); err != nil {
		t.Fatal(err)
	}
	g.next()
	apiKnown(t, c) // when it has had the time to hear of them
}

// apiRegisterGone waits until the first Register is known to be away.
func apiRegisterGone(t *testing.T, c *Client) {
	t.Helper()
	dir, err := c.directory()
	if err != nil {
		t.Fatal(err)
	}
	apiUntil(t, dir, func() bool { return !dir.registers[0].connected })
}

// apiUntil waits until something holds of a directory.
func apiUntil(t *testing.T, dir *directory, holds func() bool) {
	t.Helper()
	limit := time.After(apiPatience)
	for {
		dir.mu.Lock()
		ok, changed := holds(), dir.changed
		dir.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatal("the directory has not changed")
		}
	}
}

func TestWithoutAnyRegister(t *testing.T) {
	address := closedAddress(t)
	c := apiClient(t)
	c.RegisterAddress = []string{address}
	ctx := context.Background()
	err := c.SendToAll(ctx, "x")
	if !errors.Is(err, ErrNoRegister) || !strings.Contains(err.Error(), address) {
		t.Errorf("%v, want ErrNoRegister of %s", err, address)
	}
	if strings.Contains(err.Error(), "\n") { // it is a line of a log
		t.Errorf("%q has more than one line", err)
	}
	g := newAPIGateway(t)
	apiRegisterAt(t, address, apiList(g))
	if err := c.SendToAll(ctx, "x"); err != nil { // it is dialled at once
		t.Errorf("with a Register: %v", err)
	}
	g.next()
}

func TestClientWithoutRegisterAddress(t *testing.T) {
	err := apiClient(t).SendToAll(context.Background(), "x")
	if !errors.Is(err, ErrNoRegister) || !strings.Contains(err.Error(), "RegisterAddress") {
		t.Error(err)
	}
}

func TestRegistersThatSayNoList(t *testing.T) {
	for name, says := range map[string]string{
		"nothing": "", "an error": "Wrong request 127.0.0.1\n",
		"too much": strings.Repeat("x", maxLineBytes+1),
	} {
		t.Run(name, func(t *testing.T) {
			ln := apiListen(t, "127.0.0.1:0", func(conn net.Conn) {
				buf := make([]byte, 1000)
				_, _ = conn.Read(buf)
				fmt.Fprint(conn, says)
				_ = conn.Close()
			})
			c := apiClient(t)
			c.RegisterAddress = []string{ln.address}
			_, err := c.AllClientCount(context.Background())
			if !errors.Is(err, ErrNoRegister) {
				t.Errorf("%v, want ErrNoRegister", err)
			}
		})
	}
}

func TestSilentRegisterEndsTheCallInTime(t *testing.T) {
	ln := apiListen(t, "127.0.0.1:0", func(net.Conn) {})
	c := apiClient(t)
	c.RegisterAddress = []string{ln.address}
	c.Timeout = 100 * time.Millisecond
	_, err := c.AllClientCount(context.Background())
	if !errors.Is(err, ErrNoRegister) || !errors.Is(err, ErrTimeout) {
		t.Errorf("%v, want ErrNoRegister and ErrTimeout", err)
	}
}

func TestManyCallersOfANewClient(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	gateways[0].on(wire.GetClientCountByGroup, "i:1;")
	results := make(chan error)
	for range 10 {
		go func() {
			_, err := c.AllClientCount(context.Background())
			results <- err
		}()
	}
	for range 10 {
		if err := apiNext(t, results, "result"); err != nil {
			t.Error(err)
		}
	}
}
