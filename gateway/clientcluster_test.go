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
	for name, way := range map[string]func(t *testing.T, s *clusterOf) (*Client, func(fn func())){
		"sockets": func(t *testing.T, s *clusterOf) (*Client, func(fn func())) {
			s.Do("Register", func(*worker.Worker) { published.Store(nil) })
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

func everyFunction(t *testing.T, s *clusterOf, c *Client, on func(fn func())) {
	ctx := context.Background()
	do := func(what string, fn func() error) {
		t.Helper()
		on(func() {
			if err := fn(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
	ask := func(what string, want any, fn func() (any, error)) {
		t.Helper()
		on(func() {
			if got, err := fn(); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v, %v, want %v", what, got, err, want)
			}
		})
	}
	a, b := s.ida, s.idb
	both := []string{a, b}
	if n := slices.Compare([]string{a[:12]}, []string{b[:12]}); n > 0 {
		both = []string{b, a} // in their order by address
	}
	order := func(list []string, err error) (any, error) {
		slices.SortFunc(list, func(x, y string) int {
			return slices.Index(both, x) - slices.Index(both, y)
		})
		return list, err
	}

	do("SendToAll", func() error { return c.SendToAll(ctx, "all") })
	s.a.Expect("all")
	s.b.Expect("all")
	do("SendToClient", func() error { return c.SendToClient(ctx, a, 1) })
	s.a.Expect("1")
	do("SendToClients", func() error { return c.SendToClients(ctx, both, []int{1}) })
	s.a.Expect("[1]")
	s.b.Expect("[1]")
	do("SendTo without", func() error {
		return c.SendTo(ctx, Target{All: true, Exclude: []string{a}}, "not a")
	})
	s.b.Expect("not a")

	do("BindUID", func() error { return c.BindUID(ctx, a, "u") })
	do("BindUID", func() error { return c.BindUID(ctx, b, "7") })
	ask("ClientIDByUID", []string{a}, func() (any, error) { return c.ClientIDByUID(ctx, "u") })
	ask("IsUIDOnline", true, func() (any, error) { return c.IsUIDOnline(ctx, "7") })
	ask("UIDByClientID", "7", func() (any, error) { return c.UIDByClientID(ctx, b) })
	ask("BatchClientIDByUID", map[string][]string{"u": {a}, "7": {b}, "x": {}},
		func() (any, error) { return c.BatchClientIDByUID(ctx, []string{"u", "7", "x"}) })
	ask("IsUIDsOnline", map[string]bool{"u": true, "x": false},
		func() (any, error) { return c.IsUIDsOnline(ctx, []string{"u", "x"}) })
	ask("AllUIDCount", 2, func() (any, error) { return c.AllUIDCount(ctx) })
	do("SendToUID", func() error { return c.SendToUID(ctx, "7", "to 7") })
	s.b.Expect("to 7")
	do("SendTo uids without", func() error {
		return c.SendTo(ctx, Target{UIDs: []string{"7", "u"}, Exclude: []string{a}}, "7, not u")
	})
	s.b.Expect("7, not u")

	do("JoinGroup", func() error { return c.JoinGroup(ctx, a, "r") })
	do("JoinGroup", func() error { return c.JoinGroup(ctx, b, "r") })
	do("JoinGroup", func() error { return c.JoinGroup(ctx, b, "9") })
	ask("ClientCountByGroup", 2, func() (any, error) { return c.ClientCountByGroup(ctx, "r") })
	ask("ClientIDListByGroup", both,
		func() (any, error) { return order(c.ClientIDListByGroup(ctx, "r")) })
	ask("BatchClientCountByGroup", map[string]int{"r": 2, "9": 1, "x": 0},
		func() (any, error) { return c.BatchClientCountByGroup(ctx, []string{"r", "9", "x"}) })
	ask("AllGroupClientIDCount", map[string]int{"r": 2, "9": 1},
		func() (any, error) { return c.AllGroupClientIDCount(ctx) })
	ask("AllGroupUIDCount", map[string]int{"r": 2, "9": 1},
		func() (any, error) { return c.AllGroupUIDCount(ctx) })
	ask("UIDCountByGroup", 2, func() (any, error) { return c.UIDCountByGroup(ctx, "r") })
	ask("UIDListByGroup", []string{"7"}, func() (any, error) { return c.UIDListByGroup(ctx, "9") })
	do("SendToGroup", func() error { return c.SendToGroup(ctx, "r", "to r") })
	s.a.Expect("to r")
	s.b.Expect("to r")
	ask("Select", []Row{{ClientID: b, UID: "7", Groups: []string{"r", "9"}}},
		func() (any, error) {
			return c.Select(ctx, []string{"uid", "groups"}, Where{Groups: []string{"9"}})
		})
	do("LeaveGroup", func() error { return c.LeaveGroup(ctx, a, "r") })
	ask("LeaveGroup", []string{b}, func() (any, error) { return c.ClientIDListByGroup(ctx, "r") })
	do("Ungroup", func() error { return c.Ungroup(ctx, "9") })
	ask("AllGroupIDList", []string{"r"}, func() (any, error) { return c.AllGroupIDList(ctx) })
	ask("AllGroupClientIDList", map[string][]string{"r": {b}},
		func() (any, error) { return c.AllGroupClientIDList(ctx) })
	ask("AllGroupUIDList", map[string][]string{"r": {"7"}},
		func() (any, error) { return c.AllGroupUIDList(ctx) })
	do("UnbindUID", func() error { return c.UnbindUID(ctx, a, "u") })
	ask("AllUIDList", []string{"7"}, func() (any, error) { return c.AllUIDList(ctx) })

	do("SetSession", func() error { return c.SetSession(ctx, b, map[string]any{"n": 1}) })
	do("UpdateSession", func() error { return c.UpdateSession(ctx, b, map[string]any{"m": "x"}) })
	ask("SessionOf", `{"n":1,"m":"x"}`, func() (any, error) {
		session, err := c.SessionOf(ctx, b)
		if err != nil {
			return nil, err
		}
		json, err := session.MarshalJSON()
		return string(json), err
	})
	ask("ClientSessionsByGroup", b+`{"n":1,"m":"x"} `,
		func() (any, error) { return apiSessions(c.ClientSessionsByGroup(ctx, "r")) })
	ask("AllClientSessions", 2, func() (any, error) {
		list, err := c.AllClientSessions(ctx)
		return len(list), err
	})

	ask("AllClientCount", 2, func() (any, error) { return c.AllClientCount(ctx) })
	ask("AllClientIDList", both, func() (any, error) { return order(c.AllClientIDList(ctx)) })
	ask("IsOnline", true, func() (any, error) { return c.IsOnline(ctx, a) })
	do("CloseClient", func() error { return c.CloseClient(ctx, a, "bye") })
	s.a.Expect("bye")
	s.a.ExpectClose()
	ask("IsOnline of who is gone", false, func() (any, error) { return c.IsOnline(ctx, a) })
	ask("SessionOf who is gone", (*Session)(nil), func() (any, error) { return c.SessionOf(ctx, a) })
	do("DestroyClient", func() error { return c.DestroyClient(ctx, b) })
	s.b.ExpectClose()
	ask("AllClientCount of nobody", 0, func() (any, error) { return c.AllClientCount(ctx) })
}
