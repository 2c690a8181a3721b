package e2e

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
)

// The app cluster has so many processes of each Gateway and of its BusinessWorker.
const clusterCount = 2

// cluster is the addresses that services of the app cluster share.
type cluster struct {
	t                           testing.TB
	register, ws, text, pusher  string
	inner                       int // the first inner port of the websocket Gateway
	env                         []string
	registerHost, websocketHost string
}

// newCluster chooses the addresses; nothing runs yet.
func newCluster(t testing.TB, env ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, register: freeAddress(t), ws: freeAddress(t), text: freeAddress(t),
		pusher: freeAddress(t), inner: portsInARow(t, 2*clusterCount)}
	c.env = append(env, "E2E_REGISTER="+c.register, "E2E_GATEWAY="+c.ws, "E2E_GATEWAY_TEXT="+c.text,
		"E2E_PUSHER="+c.pusher, fmt.Sprintf("E2E_INNER_PORT=%d", c.inner))
	return c
}

// service is one that runs some of the roles, a list with commas. It is not
// started; the test may add to its environment.
func (c *cluster) service(roles string, env ...string) *service {
	c.t.Helper()
	s := newService(c.t, append(append([]string{"E2E_ROLES=" + roles}, c.env...), env...)...)
	s.ports = nil // those of other roles are for other services to close
	for _, role := range strings.Split(roles, ",") {
		switch role {
		case "register":
			s.ports = append(s.ports, c.register)
		case "gateway":
			s.ports = append(s.ports, c.ws, c.text)
			for _, port := range c.innerPorts() {
				s.ports = append(s.ports, fmt.Sprintf("127.0.0.1:%d", port))
			}
		case "pusher":
			s.ports = append(s.ports, c.pusher)
		}
	}
	return s
}

// start runs all the roles, or those given, in one service.
func (c *cluster) start(roles ...string) *service {
	c.t.Helper()
	if len(roles) == 0 {
		roles = []string{"register", "gateway", "business", "pusher"}
	}
	s := c.service(strings.Join(roles, ","))
	s.start()
	return s
}

// innerPorts are those of both Gateways, the websocket one first.
func (c *cluster) innerPorts() []int {
	var out []int
	for i := range 2 * clusterCount {
		out = append(out, c.inner+i)
	}
	return out
}

// push gives the pusher one line and returns what it says.
func (c *cluster) push(line string) string {
	c.t.Helper()
	conn, err := dialClient(c.pusher, replyLimit)
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.conn.Close()
	return conn.mustLine(c.t, line)
}

// innerPortOf reads the inner port of a Gateway process from a client id.
func innerPortOf(t testing.TB, id string) int {
	t.Helper()
	if len(id) != 20 {
		t.Fatalf("client id %q has not 20 digits", id)
	}
	port, err := strconv.ParseUint(id[8:12], 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	return int(port)
}

// pidOfInner is the process of the websocket Gateway that has an inner port.
func (c *cluster) pidOfInner(s *service, port int) int {
	c.t.Helper()
	pids := s.snapshot().pidsOf("gateway-websocket")
	if slot := port - c.inner; slot >= 0 && slot < len(pids) {
		return pids[slot]
	}
	c.t.Fatalf("no process of the Gateway has inner port %d", port)
	return 0
}

// portOf is the port of an address.
func portOf(t testing.TB, address string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(port)
	return n
}
