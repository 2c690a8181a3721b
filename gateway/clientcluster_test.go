package gateway

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

// clusterOf is a Register, two Gateways, a BusinessWorker and a client of each
// Gateway, which know their client ids.
type clusterOf struct {
	*wmtest.Service
	a, b     *wmtest.Client
	ida, idb string
}

func runCluster(t *testing.T) *clusterOf {
	t.Helper()
	before := Default
	t.Cleanup(func() { Default = before })
	s := &clusterOf{}
	ids := make(chan string, 10)
	gateways := make([]*Gateway, 2)
	s.Service = wmtest.Run(t, func() {
		NewRegister("text://127.0.0.1:1236")
		for i := range gateways {
			gateways[i] = New([]string{"text://127.0.0.1:7272", "text://127.0.0.1:7273"}[i])
			gateways[i].Name = []string{"first", "second"}[i]
			gateways[i].StartPort = 2900 + 10*i
		}
		b := NewBusinessWorker()
		b.OnConnect = func(e *Event) { ids <- e.ClientID }
		b.OnMessage = func(e *Event, message []byte) { _ = e.Send(message) }
	})
	s.a = s.Dial("first")
	s.ida = apiNext(t, ids, "client")
	s.b = s.Dial("second")
	s.idb = apiNext(t, ids, "client")
	return s
}

// The same for a Client that reaches the Gateways over sockets, for one in their
// process, and for the functions inside a BusinessWorker.
func TestEveryFunctionInACluster(t *testing.T) {
	type way func(t *testing.T, s *clusterOf) (*Client, func(fn func()))
	for name, way := range map[string]way{
		"sockets": func(t *testing.T, s *clusterOf) (*Client, func(fn func())) {
			s.Do("Register", func(*worker.Worker) { here.Store(nil) })
			c := apiClient(t)
			c.SecretKey = ""
			c.RegisterAddress = []string{s.Addr("Register")}
			return c, func(fn func()) { fn() }
		},
		"in their process": func(t *testing.T, s *clusterOf) (*Client, func(fn func())) {
			c := apiClient(t)
			c.RegisterAddress = []string{defaultRegister}
			return c, func(fn func()) { fn() }
		},
		"in their process, on the loop": func(t *testing.T, s *clusterOf) (*Client, func(fn func())) {
			c := apiClient(t)
			c.RegisterAddress = []string{defaultRegister}
			return c, func(fn func()) { s.Do("first", func(*worker.Worker) { fn() }) }
		},
		"BusinessWorker": func(t *testing.T, s *clusterOf) (*Client, func(fn func())) {
			return Default, func(fn func()) {
				s.Do("BusinessWorker", func(*worker.Worker) { fn() })
			}
		},
		"goroutine of a BusinessWorker": func(t *testing.T, s *clusterOf) (*Client, func(fn func())) {
			return Default, func(fn func()) { fn() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := runCluster(t)
			c, on := way(t, s)
			everyFunction(t, s, c, on)
			if n := len(c.sockets); (n == 2) != (name == "sockets") {
				t.Errorf("%d sockets", n)
			}
		})
	}
}

// everyone calls functions of a Client in a cluster.
type everyone struct {
	t   *testing.T
	s   *clusterOf
	c   *Client
	on  func(fn func()) // runs what is called
	ctx context.Context
}

func everyFunction(t *testing.T, s *clusterOf, c *Client, on func(fn func())) {
	e := &everyone{t, s, c, on, context.Background()}
	e.sends()
	e.uids()
	e.groups()
	e.listsOfGroups()
	e.sessions()
	e.clients()
}

func (e *everyone) do(what string, fn func() error) {
	e.t.Helper()
	e.on(func() {
		if err := fn(); err != nil {
			e.t.Errorf("%s: %v", what, err)
		}
	})
}

func (e *everyone) ask(what string, want any, fn func() (any, error)) {
	e.t.Helper()
	e.on(func() {
		if got, err := fn(); err != nil || !reflect.DeepEqual(got, want) {
			e.t.Errorf("%s: %v, %v, want %v", what, got, err, want)
		}
	})
}

// both are the two clients in the order of their Gateways.
func (e *everyone) both() []string {
	both := []string{e.s.ida, e.s.idb}
	slices.Sort(both)
	return both
}

// sorted puts a list in the order of both.
func sorted(list []string, err error) (any, error) {
	slices.Sort(list)
	return list, err
}

func (e *everyone) sends() {
	c, ctx, a := e.c, e.ctx, e.s.ida
	e.do("SendToAll", func() error { return c.SendToAll(ctx, "all") })
	e.s.a.Expect("all")
	e.s.b.Expect("all")
	e.do("SendToClient", func() error { return c.SendToClient(ctx, a, 1) })
	e.s.a.Expect("1")
	e.do("SendToClients", func() error { return c.SendToClients(ctx, e.both(), []int{1}) })
	e.s.a.Expect("[1]")
	e.s.b.Expect("[1]")
	e.do("SendTo without", func() error {
		return c.SendTo(ctx, Target{All: true, Exclude: []string{a}}, "not a")
	})
	e.s.b.Expect("not a")
}

func (e *everyone) uids() {
	c, ctx, a, b := e.c, e.ctx, e.s.ida, e.s.idb
	e.do("BindUID", func() error { return c.BindUID(ctx, a, "u") })
	e.do("BindUID", func() error { return c.BindUID(ctx, b, "7") })
	e.ask("ClientIDByUID", []string{a}, func() (any, error) { return c.ClientIDByUID(ctx, "u") })
	e.ask("IsUIDOnline", true, func() (any, error) { return c.IsUIDOnline(ctx, "7") })
	e.ask("UIDByClientID", "7", func() (any, error) { return c.UIDByClientID(ctx, b) })
	e.ask("BatchClientIDByUID", map[string][]string{"u": {a}, "7": {b}, "x": {}},
		func() (any, error) { return c.BatchClientIDByUID(ctx, []string{"u", "7", "x"}) })
	e.ask("IsUIDsOnline", map[string]bool{"u": true, "x": false},
		func() (any, error) { return c.IsUIDsOnline(ctx, []string{"u", "x"}) })
	e.ask("AllUIDCount", 2, func() (any, error) { return c.AllUIDCount(ctx) })
	e.do("SendToUID", func() error { return c.SendToUID(ctx, "7", "to 7") })
	e.s.b.Expect("to 7")
	e.do("SendTo uids without", func() error {
		return c.SendTo(ctx, Target{UIDs: []string{"7", "u"}, Exclude: []string{a}}, "7, not u")
	})
	e.s.b.Expect("7, not u")
}

func (e *everyone) groups() {
	c, ctx, a, b := e.c, e.ctx, e.s.ida, e.s.idb
	e.do("JoinGroup", func() error { return c.JoinGroup(ctx, a, "r") })
	e.do("JoinGroup", func() error { return c.JoinGroup(ctx, b, "r") })
	e.do("JoinGroup", func() error { return c.JoinGroup(ctx, b, "9") })
	e.ask("ClientCountByGroup", 2, func() (any, error) { return c.ClientCountByGroup(ctx, "r") })
	e.ask("ClientIDListByGroup", e.both(),
		func() (any, error) { return sorted(c.ClientIDListByGroup(ctx, "r")) })
	e.ask("BatchClientCountByGroup", map[string]int{"r": 2, "9": 1, "x": 0},
		func() (any, error) { return c.BatchClientCountByGroup(ctx, []string{"r", "9", "x"}) })
}

func (e *everyone) listsOfGroups() {
	c, ctx, a, b := e.c, e.ctx, e.s.ida, e.s.idb
	e.ask("AllGroupClientIDCount", map[string]int{"r": 2, "9": 1},
		func() (any, error) { return c.AllGroupClientIDCount(ctx) })
	e.ask("AllGroupUIDCount", map[string]int{"r": 2, "9": 1},
		func() (any, error) { return c.AllGroupUIDCount(ctx) })
	e.ask("UIDCountByGroup", 2, func() (any, error) { return c.UIDCountByGroup(ctx, "r") })
	e.ask("UIDListByGroup", []string{"7"}, func() (any, error) { return c.UIDListByGroup(ctx, "9") })
	e.do("SendToGroup", func() error { return c.SendToGroup(ctx, "r", "to r") })
	e.s.a.Expect("to r")
	e.s.b.Expect("to r")
	e.ask("Select", []Row{{ClientID: b, UID: "7", Groups: []string{"r", "9"}}},
		func() (any, error) {
			return c.Select(ctx, []string{"uid", "groups"}, Where{Groups: []string{"9"}})
		})
	e.do("LeaveGroup", func() error { return c.LeaveGroup(ctx, a, "r") })
	e.ask("LeaveGroup", []string{b}, func() (any, error) { return c.ClientIDListByGroup(ctx, "r") })
	e.do("Ungroup", func() error { return c.Ungroup(ctx, "9") })
	e.ask("AllGroupIDList", []string{"r"}, func() (any, error) { return c.AllGroupIDList(ctx) })
	e.ask("AllGroupClientIDList", map[string][]string{"r": {b}},
		func() (any, error) { return c.AllGroupClientIDList(ctx) })
	e.ask("AllGroupUIDList", map[string][]string{"r": {"7"}},
		func() (any, error) { return c.AllGroupUIDList(ctx) })
	e.do("UnbindUID", func() error { return c.UnbindUID(ctx, a, "u") })
	e.ask("AllUIDList", []string{"7"}, func() (any, error) { return c.AllUIDList(ctx) })
}

func (e *everyone) sessions() {
	c, ctx, b := e.c, e.ctx, e.s.idb
	e.do("SetSession", func() error { return c.SetSession(ctx, b, map[string]any{"n": 1}) })
	e.do("UpdateSession", func() error { return c.UpdateSession(ctx, b, map[string]any{"m": "x"}) })
	e.ask("SessionOf", `{"n":1,"m":"x"}`, func() (any, error) {
		session, err := c.SessionOf(ctx, b)
		if err != nil {
			return nil, err
		}
		json, err := session.MarshalJSON()
		return string(json), err
	})
	e.ask("ClientSessionsByGroup", b+`{"n":1,"m":"x"} `,
		func() (any, error) { return apiSessions(c.ClientSessionsByGroup(ctx, "r")) })
	e.ask("AllClientSessions", 2, func() (any, error) {
		list, err := c.AllClientSessions(ctx)
		return len(list), err
	})
}

func (e *everyone) clients() {
	c, ctx, a, b := e.c, e.ctx, e.s.ida, e.s.idb
	e.ask("AllClientCount", 2, func() (any, error) { return c.AllClientCount(ctx) })
	e.ask("AllClientIDList", e.both(), func() (any, error) { return sorted(c.AllClientIDList(ctx)) })
	e.ask("IsOnline", true, func() (any, error) { return c.IsOnline(ctx, a) })
	e.do("CloseClient", func() error { return c.CloseClient(ctx, a, "bye") })
	e.s.a.Expect("bye")
	e.s.a.ExpectClose()
	e.ask("IsOnline of who is gone", false, func() (any, error) { return c.IsOnline(ctx, a) })
	e.ask("SessionOf who is gone", (*Session)(nil), func() (any, error) { return c.SessionOf(ctx, a) })
	e.do("DestroyClient", func() error { return c.DestroyClient(ctx, b) })
	e.s.b.ExpectClose()
	e.ask("AllClientCount of nobody", 0, func() (any, error) { return c.AllClientCount(ctx) })
}
