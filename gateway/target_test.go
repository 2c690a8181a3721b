package gateway

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

func TestExclusionsGoToTheirGatewaysAlone(t *testing.T) {
	c, gateways := apiCluster(t, 3)
	ctx := context.Background()
	exclude := []string{gateways[1].id(5), gateways[1].id(6)}
	for _, test := range []struct {
		target Target
		want   [3]string // ext data
	}{
		{Target{All: true, Exclude: exclude}, [3]string{"", `{"exclude":{"5":5,"6":6}}`, ""}},
		{Target{Groups: []string{"r"}, Exclude: exclude}, [3]string{
			`{"group":["r"],"exclude":null}`,
			`{"group":["r"],"exclude":{"5":5,"6":6}}`,
			`{"group":["r"],"exclude":null}`,
		}},
	} {
		if err := c.SendTo(ctx, test.target, "x"); err != nil {
			t.Fatal(err)
		}
		for i, g := range gateways {
			if pk := g.next(); string(pk.Ext) != test.want[i] || string(pk.Body) != "x" {
				t.Errorf("Gateway %d: ext %s, want %s", i, pk.Ext, test.want[i])
			}
		}
	}
}

func TestClientsAreGroupedByGateway(t *testing.T) {
	c, gateways := apiCluster(t, 3)
	a, b := gateways[0], gateways[2]
	err := c.SendTo(context.Background(), Target{
		Clients: []string{b.id(4), a.id(9), b.id(3), b.id(4), a.id(1)}, Exclude: []string{a.id(1)},
	}, "x")
	if err != nil {
		t.Fatal(err)
	}
	if pk := a.next(); string(pk.Ext) != `{"connections":{"9":9}}` {
		t.Errorf("ext %s", pk.Ext)
	}
	if pk := b.next(); string(pk.Ext) != `{"connections":{"4":4,"3":3}}` {
		t.Errorf("ext %s", pk.Ext)
	}
	gateways[1].silent(c)
}

// A uid without one of its clients: the Gateway of that client is asked who the uid
// is, the others know nothing of it.
func TestUIDsWithoutSomeClients(t *testing.T) {
	c, gateways := apiCluster(t, 2)
	gateways[1].on(wire.BatchGetClientIDByUID,
		`a:2:{s:1:"u";a:3:{i:0;i:7;i:1;i:8;i:2;i:9;}i:42;a:1:{i:0;i:3;}}`)
	err := c.SendTo(context.Background(), Target{
		UIDs: []string{"u", "42", "u"}, Exclude: []string{gateways[1].id(8)},
	}, "x")
	if err != nil {
		t.Fatal(err)
	}
	if pk := gateways[0].next(); pk.Command != wire.SendToUID || string(pk.Ext) != `["u","42"]` {
		t.Errorf("command %d, ext %s", pk.Command, pk.Ext)
	}
	gateways[1].next() // the question
	gateways[1].next() // its probe
	if pk := gateways[1].next(); pk.Command != wire.SendToAll ||
		string(pk.Ext) != `{"connections":{"7":7,"9":9,"3":3}}` {
		t.Errorf("command %d, ext %s", pk.Command, pk.Ext)
	}
}

func TestNobodyGetsNothing(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	ctx, id := context.Background(), gateways[0].id(1)
	for i, err := range []error{
		c.SendTo(ctx, Target{}, "x"),
		c.SendTo(ctx, Target{Exclude: []string{id}, Raw: true}, "x"),
		c.SendTo(ctx, Target{Clients: []string{id}, Exclude: []string{id}}, "x"),
		c.SendToClients(ctx, nil, "x"),
		c.SendToClients(ctx, []string{}, "x"),
	} {
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	rows, err := c.Select(ctx, []string{"uid"}, Where{Groups: []string{}})
	if err != nil || rows != nil {
		t.Errorf("Select of nobody: %v, %v", rows, err)
	}
	gateways[0].silent(c)
}

func TestWhatIsRefusedReachesNobody(t *testing.T) {
	c, gateways := apiCluster(t, 2)
	ctx, id := context.Background(), gateways[0].id(1)
	large := strings.Repeat("x", wire.MaxPacketBytes-wire.HeaderBytes+1)
	for _, test := range []struct {
		name string
		want error
		call func() error
	}{
		{"two ways", ErrTarget, func() error {
			return c.SendTo(ctx, Target{All: true, Groups: []string{"r"}}, "x")
		}},
		{"uid of nothing", ErrUID, func() error { return c.SendToUID(ctx, "", "x") }},
		{"uid 0", ErrUID, func() error { return c.BindUID(ctx, id, "0") }},
		{"uid not UTF-8", ErrUID, func() error { return c.BindUID(ctx, id, "\xff") }},
		{"one uid of two", ErrUID, func() error {
			return c.SendTo(ctx, Target{UIDs: []string{"u", "0"}}, "x")
		}},
		{"group of nothing", ErrGroup, func() error { return c.JoinGroup(ctx, id, "") }},
		{"group 0", ErrGroup, func() error { return c.SendToGroup(ctx, "0", "x") }},
		{"group not UTF-8", ErrGroup, func() error { return c.Ungroup(ctx, "a\x80") }},
		{"count of group nothing", ErrGroup, func() error {
			_, err := c.ClientCountByGroup(ctx, "")
			return err
		}},
		{"short id", ErrClientID, func() error { return c.SendToClient(ctx, "7f00", "x") }},
		{"no hex", ErrClientID, func() error { return c.CloseClient(ctx, strings.Repeat("x", 20)) }},
		{"one id of two", ErrClientID, func() error {
			return c.SendToClients(ctx, []string{id, "no"}, "x")
		}},
		{"excluded id", ErrClientID, func() error {
			return c.SendTo(ctx, Target{All: true, Exclude: []string{"no"}}, "x")
		}},
		{"online id", ErrClientID, func() error {
			_, err := c.IsOnline(ctx, "")
			return err
		}},
		{"large", ErrTooLarge, func() error { return c.SendToClient(ctx, id, large) }},
		// Only the packet with the exclusion is too large; the other one waits for it.
		{"large with receivers", ErrTooLarge, func() error {
			return c.SendTo(ctx, Target{
				All: true, Exclude: []string{gateways[1].id(1)},
			}, large[:len(large)-10])
		}},
		{"large session", ErrTooLarge, func() error {
			return c.SetSession(ctx, id, map[string]any{"a": large})
		}},
		{"a channel", nil, func() error { return c.SendToAll(ctx, make(chan int)) }},
		{"an error", nil, func() error { return c.SendToAll(ctx, errors.New("x")) }},
		{"a Prepared", nil, func() error { return c.SendToAll(ctx, worker.Prepare("x")) }},
		{"NaN in JSON", nil, func() error { return c.SendToAll(ctx, []float64{math.NaN()}) }},
		{"a channel in a session", nil, func() error {
			return c.UpdateSession(ctx, id, map[string]any{"a": make(chan int)})
		}},
		{"a field", nil, func() error {
			_, err := c.Select(ctx, []string{"password"}, Where{All: true})
			return err
		}},
	} {
		if err := test.call(); err == nil || !apiIs(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	gateways[0].silent(c)
	gateways[1].silent(c)
}

func TestLargestPacketIsSent(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	message := strings.Repeat("x", wire.MaxPacketBytes-wire.HeaderBytes)
	if err := c.SendToClient(context.Background(), gateways[0].id(1), message); err != nil {
		t.Fatal(err)
	}
	if pk := gateways[0].next(); pk.Len() != wire.MaxPacketBytes {
		t.Errorf("%d bytes", pk.Len())
	}
}

func TestMessagesAreThoseOfSend(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	for _, test := range []struct {
		v    any
		want string
	}{
		{"text", "text"}, {[]byte("bytes"), "bytes"}, {7, "7"}, {1.5, "1.5"}, {1.0, "1"},
		{true, "1"}, {false, ""}, {map[string]any{"a": []int{1}}, `{"a":[1]}`}, {nil, "null"},
	} {
		if err := c.SendToAll(context.Background(), test.v); err != nil {
			t.Fatal(err)
		}
		if pk := gateways[0].next(); string(pk.Body) != test.want || pk.Flag != wire.Scalar {
			t.Errorf("%v: %q, flag %d", test.v, pk.Body, pk.Flag)
		}
	}
}

// A client id may name any address; only those that a Register names are dialled.
func TestOtherClustersAreNotDialled(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	g, other, ctx := gateways[0], newAPIGateway(t), context.Background()
	apiMissing(t, c.SendToClient(ctx, other.id(1), "x"), ErrOffline, other.address)
	apiMissing(t, c.BindUID(ctx, other.id(1), "u"), ErrOffline, other.address)
	apiMissing(t, c.SendToClients(ctx, []string{other.id(1), g.id(2)}, "x"),
		ErrOffline, other.address)
	if pk := g.next(); string(pk.Ext) != `{"connections":{"2":2}}` {
		t.Errorf("ext %s", pk.Ext)
	}
	if online, err := c.IsOnline(ctx, other.id(1)); online || err != nil {
		t.Errorf("online %v, %v", online, err)
	}
	if s, err := c.SessionOf(ctx, other.id(1)); s != nil || err != nil {
		t.Errorf("session %v, %v", s, err)
	}
	if uid, err := c.UIDByClientID(ctx, other.id(1)); uid != "" || err != nil {
		t.Errorf("uid %q, %v", uid, err)
	}
	rows, err := c.Select(ctx, nil, Where{ClientIDs: []string{other.id(1)}})
	if len(rows) != 0 || err != nil {
		t.Errorf("rows %v, %v", rows, err)
	}
	if len(other.opened) != 0 {
		t.Error("the other cluster was dialled")
	}
}

func TestSelectAsksGatewaysAboutTheirOwn(t *testing.T) {
	c, gateways := apiCluster(t, 3)
	a, b, ctx := gateways[0], gateways[2], context.Background()
	row := `a:1:{i:5;a:1:{s:3:"uid";N;}}`
	a.on(wire.Select, row)
	b.on(wire.Select, row)
	ids := []string{b.id(5), a.id(5), b.id(6)}
	rows, err := c.Select(ctx, []string{"uid"}, Where{ClientIDs: ids})
	if err != nil || len(rows) != 2 || rows[0].ClientID != a.id(5) || rows[1].ClientID != b.id(5) {
		t.Errorf("rows %v, %v", rows, err)
	}
	a.next()
	if pk := b.next(); string(pk.Ext) !=
		`{"fields":["uid"],"where":{"connection_id":{"5":5,"6":6}}}` {
		t.Errorf("asked %s", pk.Ext)
	}
	gateways[1].on(wire.Select, "a:0:{}")
	if _, err := c.Select(ctx, []string{"uid"},
		Where{UIDs: []string{"u"}, Groups: []string{"r"}, ClientIDs: ids[:1]}); err != nil {
		t.Fatal(err)
	}
	exts := []string{string(a.next().Ext), string(gateways[1].next().Ext), string(b.next().Ext)}
	plain := `{"fields":["uid"],"where":{"groups":["r"],"uid":["u"]}}`
	if !slices.Equal(exts, []string{plain, plain,
		`{"fields":["uid"],"where":{"groups":["r"],"uid":["u"],"connection_id":{"5":5}}}`}) {
		t.Errorf("asked %q", exts)
	}
}
