package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/workerman-go/wm/gateway/wire"
)

func apiIs(err, want error) bool { return want == nil || errors.Is(err, want) }

// apiSetDefault makes c the Client of the package functions for a test.
func apiSetDefault(t *testing.T, c *Client) {
	before := Default
	Default = c
	t.Cleanup(func() { Default = before })
}

func TestCommandsAreThoseOfPHP(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	g := gateways[0]
	apiSetDefault(t, c)
	packets, _ := apiVectors(t)
	id := g.id(7)
	for _, test := range []struct {
		vector string
		call   func() error
	}{
		{"SEND_TO_ONE", func() error { return SendToClient(id, "hi") }},
		{"SEND_TO_ALL", func() error { return SendToAll([]byte("hello all")) }},
		{"SEND_TO_ALL exclude", func() error {
			return SendTo(Target{All: true, Exclude: []string{g.id(3), g.id(5)}}, "x")
		}},
		{"SEND_TO_UID", func() error { return SendTo(Target{UIDs: []string{"42", "tom"}}, "x") }},
		{"SEND_TO_GROUP", func() error {
			return SendTo(Target{Groups: []string{"room1", "room2"}}, "x")
		}},
		{"SEND_TO_GROUP exclude", func() error {
			return SendTo(Target{Groups: []string{"room1"}, Exclude: []string{id}}, "x")
		}},
		{"KICK with message", func() error { return CloseClient(id, "bye") }},
		{"DESTROY", func() error { return DestroyClient(id) }},
		{"BIND_UID", func() error { return BindUID(id, "42") }},
		{"UNBIND_UID", func() error { return UnbindUID(id, "42") }},
		{"JOIN_GROUP", func() error { return JoinGroup(id, "room1") }},
		{"LEAVE_GROUP", func() error { return LeaveGroup(id, "room1") }},
		{"UNGROUP", func() error { return Ungroup("room1") }},
		{"UPDATE_SESSION", func() error {
			return UpdateSession(id, map[string]any{"b": map[string]any{"c": 2}, "a": 1})
		}},
		{"SET_SESSION", func() error { return SetSession(id, map[string]any{"a": 1}) }},
	} {
		t.Run(test.vector, func(t *testing.T) {
			if err := test.call(); err != nil {
				t.Fatal(err)
			}
			pk := g.next()
			if got := pk.Append(nil); !bytes.Equal(got, packets[test.vector]) {
				t.Errorf("sent\n%x want\n%x", got, packets[test.vector])
			}
		})
	}
	if secret := apiNext(t, g.opened, "hello"); secret != "s3cret" {
		t.Errorf("secret %q", secret)
	}
	if len(g.opened) != 0 {
		t.Errorf("%d more connections", len(g.opened))
	}
}

func TestOtherFormsOfCommands(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	g, ctx := gateways[0], context.Background()
	id := g.id(1)
	for _, test := range []struct {
		name, want string // a hex dump of wire.md 2.17
		call       func() error
	}{
		{"connections", "0000003b06000000000000000000000000000000000100000000001d" +
			"7b22636f6e6e656374696f6e73223a7b2231223a312c2235223a357d7d6869", func() error {
			return c.SendToClients(ctx, []string{id, g.id(5), id}, "hi")
		}},
		{"close without a message", "0000001e070000000000000000000000000000000100000000000000" +
			"4e3b", func() error { return c.CloseClient(ctx, id) }},
		{"close with nil", "0000001e070000000000000000000000000000000100000000000000" +
			"4e3b", func() error { return c.CloseClient(ctx, id, nil) }},
	} {
		if err := test.call(); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		pk := g.next()
		if got := pk.Append(nil); string(got) != string(apiHex(t, test.want)) {
			t.Errorf("%s: sent\n%x want\n%s", test.name, got, test.want)
		}
	}
	if err := c.CloseClient(ctx, id, "a", 2); err != nil {
		t.Fatal(err)
	}
	first, last := g.next(), g.next()
	if first.Command != wire.SendToOne || string(first.Body) != "a" ||
		last.Command != wire.Kick || string(last.Body) != "2" || last.Flag != wire.Scalar {
		t.Errorf("close with two messages: %+v %+v", first, last)
	}
	if err := c.SendTo(ctx, Target{All: true, Raw: true}, "hi"); err != nil {
		t.Fatal(err)
	}
	if pk := g.next(); pk.Flag != wire.Scalar|wire.Raw {
		t.Errorf("raw: flag %d", pk.Flag)
	}
}

func TestQuestionsAreThoseOfPHP(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	g := gateways[0]
	apiSetDefault(t, c)
	packets, replies := apiVectors(t)
	id := g.id
	ask := func(v any, err error) (any, error) { return v, err }
	for _, test := range []struct {
		vector, reply string
		call          func() (any, error)
		want          any
	}{
		{"IS_ONLINE", "IS_ONLINE yes", func() (any, error) { return ask(IsOnline(id(7))) }, true},
		{"IS_ONLINE", "IS_ONLINE no", func() (any, error) { return ask(IsOnline(id(7))) }, false},
		{"GET_CLIENT_COUNT_BY_GROUP", "count 3",
			func() (any, error) { return ask(ClientCountByGroup("room1")) }, 3},
		{"GET_CLIENT_ID_BY_UID", "client ids",
			func() (any, error) { return ask(ClientIDByUID("42")) }, []string{id(7), id(9)}},
		{"GET_CLIENT_ID_BY_UID", "client ids",
			func() (any, error) { return ask(IsUIDOnline("42")) }, true},
		{"GET_GROUP_ID_LIST", "groups",
			func() (any, error) { return ask(AllGroupIDList()) }, []string{"room1", "room2"}},
		{"GET_GROUP_ID_LIST", "numeric groups",
			func() (any, error) { return ask(AllGroupIDList()) }, []string{"10", "x"}},
		{"BATCH_GET_CLIENT_ID_BY_UID", "batch ids",
			func() (any, error) { return ask(BatchClientIDByUID([]string{"42", "tom"})) },
			map[string][]string{"42": {id(7)}, "tom": {}}},
		{"BATCH_GET_CLIENT_ID_BY_UID", "batch ids",
			func() (any, error) { return ask(IsUIDsOnline([]string{"42", "tom"})) },
			map[string]bool{"42": true, "tom": false}},
		{"BATCH_GET_CLIENT_COUNT_BY_GROUP", "batch counts",
			func() (any, error) { return ask(BatchClientCountByGroup([]string{"room1", "room2"})) },
			map[string]int{"room1": 2, "room2": 0}},
		{"GET_ALL_CLIENT_SESSIONS", "sessions",
			func() (any, error) { return apiSessions(AllClientSessions()) },
			id(7) + `{"uid":42} ` + id(9) + `[] `},
		{"GET_CLIENT_SESSIONS_BY_GROUP", "sessions",
			func() (any, error) { return apiSessions(ClientSessionsByGroup("room1")) },
			id(7) + `{"uid":42} ` + id(9) + `[] `},
		{"SELECT", "select", func() (any, error) {
			rows, err := Select([]string{"uid", "groups", "session"}, Where{Groups: []string{"room1"}})
			for i, row := range rows {
				rows[i].Session = nil
				if row.Session == nil {
					t.Error("no session")
				}
			}
			return rows, err
		}, []Row{{ClientID: id(7), UID: "42", Groups: []string{"room1"}}, {ClientID: id(8)}}},
	} {
		t.Run(test.vector+" "+test.reply, func(t *testing.T) {
			command := wire.Command(packets[test.vector][4])
			g.on(command, replies[test.reply])
			got, err := test.call()
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			pk := g.next()
			if got := pk.Append(nil); !bytes.Equal(got, packets[test.vector]) {
				t.Errorf("asked\n%x want\n%x", got, packets[test.vector])
			}
			if test.vector[:5] == "BATCH" {
				g.on(wire.IsOnline, "i:0;")
				g.next() // the probe
			}
		})
	}
}

// apiSessions prints clients and their sessions.
func apiSessions(list []ClientSession, err error) (any, error) {
	all := ""
	for _, s := range list {
		b, err := json.Marshal(s.Session)
		if err != nil {
			return nil, err
		}
		all += s.ClientID + string(b) + " "
	}
	return all, err
}

// The lists that are made of SELECT; PHP stops at the first client without a uid or
// group, here they are left out.
func TestListsOfSelections(t *testing.T) {
	c, gateways := apiCluster(t, 2)
	apiSetDefault(t, c)
	const none = `s:3:"uid";N;s:6:"groups";N;`
	member := func(uid, group string) string {
		return `s:3:"uid";s:1:"` + uid + `";s:6:"groups";a:1:{s:1:"` + group + `";s:1:"` + group + `";}`
	}
	gateways[0].on(wire.Select, `a:3:{i:9;a:2:{`+none+`}i:2;a:2:{`+member("u", "r")+
		`}i:1;a:2:{s:3:"uid";s:1:"v";s:6:"groups";a:2:{s:1:"r";s:1:"r";i:7;s:1:"7";}}}`)
	gateways[1].on(wire.Select, `a:2:{i:4;a:2:{`+member("u", "r")+`}i:3;a:2:{`+
		`s:3:"uid";N;s:6:"groups";a:1:{i:7;s:1:"7";}}}`)
	a, b := gateways[0].id, gateways[1].id
	ask := func(v any, err error) any {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return v
	}
	for _, test := range []struct {
		name      string
		got, want any
	}{
		{"AllClientIDList", ask(AllClientIDList()), []string{a(9), a(2), a(1), b(4), b(3)}},
		{"ClientIDListByGroup", ask(ClientIDListByGroup("r")),
			[]string{a(9), a(2), a(1), b(4), b(3)}},
		{"AllUIDList", ask(AllUIDList()), []string{"u", "v"}},
		{"AllUIDCount", ask(AllUIDCount()), 2},
		{"UIDListByGroup", ask(UIDListByGroup("r")), []string{"u", "v"}},
		{"UIDCountByGroup", ask(UIDCountByGroup("r")), 2},
		{"AllGroupUIDList", ask(AllGroupUIDList()),
			map[string][]string{"r": {"u", "v"}, "7": {"v"}}},
		{"AllGroupUIDCount", ask(AllGroupUIDCount()), map[string]int{"r": 2, "7": 1}},
		{"AllGroupClientIDList", ask(AllGroupClientIDList()),
			map[string][]string{"r": {a(2), a(1), b(4)}, "7": {a(1), b(3)}}},
		{"AllGroupClientIDCount", ask(AllGroupClientIDCount()), map[string]int{"r": 3, "7": 2}},
	} {
		if !reflect.DeepEqual(test.got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, test.got, test.want)
		}
	}
	gateways[0].on(wire.GetClientCountByGroup, "i:3;")
	gateways[1].on(wire.GetClientCountByGroup, "i:2;")
	if n := ask(AllClientCount()); n != 5 {
		t.Errorf("AllClientCount %d", n)
	}
}

func TestSessionAndUIDOfOneClient(t *testing.T) {
	c, gateways := apiCluster(t, 2)
	apiSetDefault(t, c)
	g := gateways[1]
	g.on(wire.GetSessionByClientID, `a:1:{s:4:"name";s:2:"Al";}`)
	s, err := SessionOf(g.id(7))
	if err != nil || s.String("name") != "Al" {
		t.Errorf("session %v, %v", s, err)
	}
	if pk := g.next(); pk.ConnectionID != 7 {
		t.Errorf("asked about %d", pk.ConnectionID)
	}
	g.on(wire.GetSessionByClientID, `a:0:{}`)
	if s, err := SessionOf(g.id(7)); err != nil || s == nil || s.Len() != 0 || s.IsNull() {
		t.Errorf("empty session %v, %v", s, err)
	}
	g.on(wire.GetSessionByClientID, `N;`)
	if s, err := SessionOf(g.id(7)); err != nil || s != nil {
		t.Errorf("session %v of who is gone, %v", s, err)
	}
	g.on(wire.GetSessionByClientID, `i:5;`)
	_, err = SessionOf(g.id(7))
	apiMissing(t, err, ErrBadAnswer, g.address)
	g.on(wire.Select, `a:1:{i:7;a:1:{s:3:"uid";s:1:"u";}}`)
	if uid, err := UIDByClientID(g.id(7)); err != nil || uid != "u" {
		t.Errorf("uid %q, %v", uid, err)
	}
	for range 3 {
		g.next()
	}
	if pk := g.next(); string(pk.Ext) != `{"fields":["uid"],"where":{"connection_id":{"7":7}}}` {
		t.Errorf("asked %q", pk.Ext)
	}
	g.on(wire.Select, `a:0:{}`)
	if uid, err := UIDByClientID(g.id(7)); err != nil || uid != "" {
		t.Errorf("uid %q of who is gone, %v", uid, err)
	}
	if len(gateways[0].got) != 0 {
		t.Error("the other Gateway was asked")
	}
}

func TestWithoutDefault(t *testing.T) {
	apiSetDefault(t, nil)
	const id = "7f0000010b5400000001"
	_, count := AllClientCount()
	_, online := IsOnline(id)
	_, rows := Select(nil, Where{All: true})
	_, lists := BatchClientIDByUID([]string{"u"})
	for i, err := range []error{
		SendToAll("x"), SendToClient(id, "x"), SendToClients(nil, "x"), SendTo(Target{}, "x"),
		BindUID(id, "u"), Ungroup("g"), CloseClient(id), SetSession(id, nil),
		count, online, rows, lists,
	} {
		if !errors.Is(err, ErrNoClient) {
			t.Errorf("call %d: %v, want ErrNoClient", i, err)
		}
	}
}
