package gateway

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

func TestGatewayRefusesToStart(t *testing.T) {
	tests := []struct {
		name, address string
		change        func(g *Gateway)
		want          string
	}{
		{"defaults", "", nil, ""},
		{"OnMessage", "", func(g *Gateway) { g.OnMessage = func(*worker.Connection, []byte) {} },
			"OnMessage is set, but a Gateway hands all messages to BusinessWorkers"},
		{"OnValue", "", func(g *Gateway) { g.OnValue = func(*worker.Connection, any) {} },
			"OnValue is set, but a Gateway"},
		{"OnRequest", "", func(g *Gateway) { g.OnRequest = func(*worker.Connection, *http1.Request) {} },
			"OnRequest is set, but a Gateway"},
		{"http", "http://127.0.0.1:80", nil, "cannot speak http"},
		{"http by hand", "", func(g *Gateway) { g.Protocol = http1.Protocol }, "cannot speak http"},
		{"Handler", "http://127.0.0.1:80", func(g *Gateway) { g.Handler = http.NotFoundHandler() },
			"Handler is set, but a Gateway"},
		{"udp", "udp://127.0.0.1:80", nil, "cannot serve udp"},
		{"datagrams", "", func(g *Gateway) { g.Transport = "udp" }, "cannot serve udp"},
		{"a name for LanIP", "", func(g *Gateway) { g.LanIP = "localhost" }, "want an IPv4 address"},
		{"IPv6 for LanIP", "", func(g *Gateway) { g.LanIP = "::1" }, "want an IPv4 address"},
		{"zeros in LanIP", "", func(g *Gateway) { g.LanIP = "127.0.0.01" }, "want an IPv4 address"},
		{"any LanIP", "", func(g *Gateway) { g.LanIP = "0.0.0.0" }, "nobody can connect to"},
		{"a name for InnerListen", "", func(g *Gateway) { g.InnerListen = "eth0" },
			`InnerListen is "eth0"`},
		{"ports", "", func(g *Gateway) { g.StartPort, g.Count = 65530, 7 },
			"ask for the inner ports 65530 to 65536"},
		{"port 0", "", func(g *Gateway) { g.StartPort = 0 }, "within 1 to 65535"},
		{"the last port", "", func(g *Gateway) { g.StartPort, g.Count = 65530, 6 }, ""},
		{"an open door", "", func(g *Gateway) { g.LanIP = "192.168.1.20" }, "there is no SecretKey"},
		{"an open door by InnerListen", "", func(g *Gateway) { g.InnerListen = "0.0.0.0" },
			"other hosts can reach 0.0.0.0, and there is no SecretKey"},
		{"an open door of a public address", "", func(g *Gateway) { g.LanIP = "8.8.8.8" },
			"other hosts can reach 0.0.0.0"},
		{"a door with a key", "", func(g *Gateway) { g.LanIP, g.SecretKey = "192.168.1.20", "s" }, ""},
		{"InnerListen within", "", func(g *Gateway) { g.LanIP, g.InnerListen = "10.0.0.1", "127.0.0.2" },
			""},
		{"no Register", "", func(g *Gateway) { g.RegisterAddress = nil }, "RegisterAddress is empty"},
		{"no port", "", func(g *Gateway) { g.RegisterAddress = []string{"127.0.0.1"} },
			"which is not like 127.0.0.1:1236"},
		{"a scheme", "", func(g *Gateway) { g.RegisterAddress = []string{"text://127.0.0.1:1236"} },
			"which is not like 127.0.0.1:1236"},
		{"limit", "", func(g *Gateway) { g.PingNotResponseLimit = -1 },
			"PingNotResponseLimit is below 0"},
		{"wait", "", func(g *Gateway) { g.BusinessWait = -time.Second }, "BusinessWait is below 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address := tt.address
			if address == "" {
				address = "text://127.0.0.1:7272"
			}
			why := gatewayRefused(func() {
				if g := New(address); tt.change != nil {
					tt.change(g)
				}
			})
			if tt.want == "" && why != "" || !strings.Contains(why, tt.want) {
				t.Errorf("%q, want %q", why, tt.want)
			}
		})
	}
}

// gatewayRefused is what the probe says of what start declares.
func gatewayRefused(start func()) (why string) {
	made, undo := worker.Rehearse(worker.App{Name: "app", Start: start})
	defer undo()
	for _, w := range made {
		if d := w.Declaration(); d.Err != "" {
			why += d.Err + "\n"
		}
	}
	return why
}

func TestInnerPortsOfTwoGatewaysMustNotOverlap(t *testing.T) {
	start := func(second int) func() {
		return func() {
			g := New("websocket://127.0.0.1:7272")
			g.Name, g.StartPort, g.Count = "chat", 2300, 4
			g = New("text://127.0.0.1:7373")
			g.Name, g.StartPort = "push", second
		}
	}
	why := gatewayRefused(start(2303))
	for _, want := range []string{
		"inner ports 2300 to 2303 of Gateway chat", "overlap with 2303 to 2303 of Gateway push",
	} {
		if !strings.Contains(why, want) {
			t.Errorf("%q, want %q", why, want)
		}
	}
	if why := gatewayRefused(start(2304)); why != "" { // of the ones before nothing is left
		t.Error(why)
	}
}

func TestTheWrongLanIPOfANeighbourIsItsOwnAffair(t *testing.T) {
	why := gatewayRefused(func() {
		New("websocket://127.0.0.1:7272").Name = "chat"
		New("text://127.0.0.1:7373").LanIP = "fd00::1"
	})
	if !strings.Contains(why, `LanIP is "fd00::1"`) {
		t.Error(why)
	}
}
