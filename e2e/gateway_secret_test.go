package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Inner ports that other hosts can reach need a secret; the start says so.
func TestGatewayNeedsSecretForOtherHosts(t *testing.T) {
	t.Parallel()
	lan := newCluster(t, "E2E_LANIP=192.0.2.7")
	for roles, c := range map[string]*cluster{
		"gateway":  lan,
		"register": newCluster(t, "E2E_REGISTER_LISTEN=0.0.0.0:"+fmt.Sprint(portOf(t, lan.register))),
	} {
		r := c.service(roles).run("start", "-d")
		if r.code == 0 {
			t.Errorf("%s started:\n%s", roles, r.out)
		}
		r.wantText("SecretKey")
	}
}

// An inner port that is not to be had names what chooses it, and shows no stack.
func TestGatewaySaysWhatItsInnerPortIs(t *testing.T) {
	t.Parallel()
	taken := newCluster(t)
	other, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", taken.inner))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	elsewhere := newCluster(t, "E2E_LANIP=10.255.9.9", "E2E_SECRET=secret")
	for want, c := range map[string]*cluster{
		fmt.Sprintf("inner port %d, of LanIP 127.0.0.1 and StartPort %d: listen tcp "+
			"127.0.0.1:%d: address already in use", taken.inner, taken.inner, taken.inner): taken,
		"of LanIP 10.255.9.9 and StartPort ": elsewhere, // of one of its Gateways
	} {
		s := c.service("gateway")
		s.ports = nil
		s.run("start", "-d").wantCode(1).wantText(want)
		if log := s.log(); strings.Contains(log, "goroutine") {
			t.Errorf("the log has a stack:\n%s", log)
		}
	}
}

// A BusinessWorker with another secret is refused by the Register and by the
// Gateways, which is logged, and gets no client.
func TestGatewayRefusesWrongSecret(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "E2E_BUSINESS_WAIT=1s")
	front := c.service("register,gateway", "E2E_SECRET=right")
	front.start()
	stranger := c.service("business", "E2E_SECRET=wrong", "E2E_READY_WAIT=1s")
	stranger.start()
	front.wantLog("secret")
	for _, log := range []string{front.log(), stranger.log()} {
		if strings.Contains(log, "right") || strings.Contains(log, "wrong") {
			t.Errorf("a log has a secret:\n%s", log)
		}
	}
	m := joinCluster(t, c.ws)
	if err := m.send(ask{"c": "whoami"}); err != nil {
		t.Fatal(err)
	}
	var closed closedError
	if err := m.mustClose(); !errors.As(err, &closed) || closed.code != 1013 {
		t.Errorf("a client of nobody: %v, want close frame 1013", err)
	}
}

// innerPacket is a packet of the inner protocol with its lengths right.
func innerPacket(command, flag byte, ext, body string) string {
	p := make([]byte, 28)
	binary.BigEndian.PutUint32(p, uint32(len(p)+len(ext)+len(body)))
	p[4], p[21] = command, flag
	binary.BigEndian.PutUint32(p[24:], uint32(len(ext)))
	return string(p) + ext + body
}

// ofLength is the beginning of a packet that says it has so many bytes.
func ofLength(n uint32) string {
	p := []byte(innerPacket(5, 1, "", ""))
	binary.BigEndian.PutUint32(p, n)
	return string(p)
}

// strangers are what peers without the secret may send to a Gateway.
var strangers = map[string]string{
	"question without a hello": innerPacket(10, 1, "", ""),
	"command without a hello":  innerPacket(6, 1, "", "to everybody"),

	"worker, no key":    innerPacket(200, 1, "", `{"worker_key":"x:0"}`),
	"worker, wrong key": innerPacket(200, 1, "", `{"worker_key":"x:0","secret_key":"wrong"}`),
	"client, empty key": innerPacket(202, 1, "", `{"secret_key":""}`),
	"client, wrong key": innerPacket(202, 1, "", `{"secret_key":"wrong"}`),
	"client, key 0":     innerPacket(202, 1, "", `{"secret_key":0}`),
	"client, key true":  innerPacket(202, 1, "", `{"secret_key":true}`),
	"client, key null":  innerPacket(202, 1, "", `{"secret_key":null}`),
	"client, no JSON":   innerPacket(202, 1, "", "right"),
	"client, a list":    innerPacket(202, 1, "", `["right"]`),
	"client, PHP data":  innerPacket(202, 0, "", `a:1:{s:10:"secret_key";s:5:"right";}`),
	"captured in another cluster": innerPacket(202, 1, "", `{"secret_key":"other"}`) +
		innerPacket(10, 1, "", ""),

	"length 0":                   ofLength(0),
	"length 27":                  ofLength(27),
	"length above the maximum":   ofLength(10485761),
	"length 2^32-1":              ofLength(1<<32 - 1),
	"ext data beyond the packet": innerPacket(5, 1, "", "")[:24] + "\x7f\xff\xff\xff",
	"HTTP":                       "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"TLS":                        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}

// callers are the same for a Register.
var callers = map[string]string{
	"no JSON":             "hello\n",
	"no event":            `{"secret_key":"right"}` + "\n",
	"unknown event":       `{"event":"x","secret_key":"right"}` + "\n",
	"event true":          `{"event":true,"address":"127.0.0.1:1","secret_key":"right"}` + "\n",
	"worker, no key":      `{"event":"worker_connect"}` + "\n",
	"worker, wrong key":   `{"event":"worker_connect","secret_key":"wrong"}` + "\n",
	"worker, key 0":       `{"event":"worker_connect","secret_key":0}` + "\n",
	"worker, key null":    `{"event":"worker_connect","secret_key":null}` + "\n",
	"gateway, wrong key":  `{"event":"gateway_connect","address":"127.0.0.1:1"}` + "\n",
	"gateway, no address": `{"event":"gateway_connect","secret_key":"right"}` + "\n",
	"HTTP":                "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"line without an end": strings.Repeat("x", 11<<20),
}

// heard sends bytes, without an end, and reports what comes until the peer closes.
func heard(address, bytes string) (string, error) {
	c, err := dialClient(address, replyLimit)
	if err != nil {
		return "", err
	}
	defer c.conn.Close()
	c.conn.SetDeadline(time.Now().Add(eventLimit))
	// The peer may close before all of it is written.
	_, wrote := io.WriteString(c.conn, bytes)
	if errors.Is(wrote, os.ErrDeadlineExceeded) {
		return "", wrote
	}
	text, err := io.ReadAll(c.in)
	if errors.Is(err, unix.ECONNRESET) {
		err = nil
	}
	return string(text), err
}

// Whoever does not know the secret hears nothing from any inner listener and is
// closed; the cluster works on.
func TestGatewayInnerPortsSayNothing(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "E2E_SECRET=right")
	s := c.start()
	m := joinCluster(t, c.ws)
	m.whoami()
	before := s.snapshot()
	try := func(address, what, bytes string) {
		text, err := heard(address, bytes)
		if err != nil || text != "" {
			t.Errorf("%s to %s: heard %q, %v; want nothing and a close", what, address, text, err)
		}
	}
	for _, port := range c.innerPorts() {
		for what, bytes := range strangers {
			try(fmt.Sprintf("127.0.0.1:%d", port), what, bytes)
		}
	}
	for what, bytes := range callers {
		try(c.register, what, bytes)
	}
	s.snapshot().wantSame(t, before, "register", "gateway-websocket", "gateway-text", "business")
	if r := m.mustAnswer(ask{"c": "join", "group": "g"}); !r.Sees || r.Size != 1 {
		t.Errorf("group after the strangers: %+v", r)
	}
	if err := m.send(ask{"c": "toall", "m": "still here"}); err != nil {
		t.Fatal(err)
	}
	m.mustPush("still here")
	if got := c.push("count"); got != "1" {
		t.Errorf("pusher counts %q", got)
	}
}
