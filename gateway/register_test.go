package gateway

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol/frame"
	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

const (
	noGateway     = `{"event":"broadcast_addresses","addresses":[]}`
	gatewayA      = `{"event":"gateway_connect", "address":"127.0.0.1:2900", "secret_key":""}`
	gatewayB      = `{"event":"gateway_connect", "address":"127.0.0.1:2901", "secret_key":""}`
	onlyA         = `{"event":"broadcast_addresses","addresses":["127.0.0.1:2900"]}`
	onlyB         = `{"event":"broadcast_addresses","addresses":["127.0.0.1:2901"]}`
	aThenB        = `{"event":"broadcast_addresses","addresses":["127.0.0.1:2900","127.0.0.1:2901"]}`
	someWorker    = `{"event":"worker_connect","secret_key":""}`
	registerTaken = 20 * time.Second
)

// runRegister serves a Register, changed by with.
func runRegister(t *testing.T, with func(r *Register)) *wmtest.Service {
	t.Helper()
	return wmtest.Run(t, func() {
		r := NewRegister("text://127.0.0.1:1236")
		if with != nil {
			with(r)
		}
	})
}

// registerPeer is somebody who has connected to a Register.
type registerPeer struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func newRegisterPeer(t *testing.T, s *wmtest.Service) *registerPeer {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr("Register"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(registerTaken))
	return &registerPeer{t: t, Conn: c, r: bufio.NewReader(c)}
}

// registerPeerWith is one that has said a line.
func registerPeerWith(t *testing.T, s *wmtest.Service, line string) *registerPeer {
	t.Helper()
	p := newRegisterPeer(t, s)
	p.say(line)
	return p
}

func (p *registerPeer) say(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

func (p *registerPeer) expect(want string) {
	p.t.Helper()
	if got, err := p.r.ReadString('\n'); err != nil || got != want+"\n" {
		p.t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

// expectClose waits for the end, without a byte before it.
func (p *registerPeer) expectClose() {
	p.t.Helper()
	got, err := io.ReadAll(p.r)
	if len(got) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatalf("got %q, %v, want the end", got, err)
	}
}

// expectNothing looks at what has come when the Register has done all it was told.
func (p *registerPeer) expectNothing(s *wmtest.Service) {
	p.t.Helper()
	s.Do("Register", func(*worker.Worker) {})
	p.SetReadDeadline(time.Now().Add(time.Millisecond))
	if got, err := p.r.ReadString('\n'); !errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatalf("got %q, %v, want nothing", got, err)
	}
	p.SetReadDeadline(time.Now().Add(registerTaken))
}

func TestRegisterTellsWorkersWhereTheGatewaysAre(t *testing.T) {
	s := runRegister(t, nil)
	early := registerPeerWith(t, s, someWorker)
	early.expect(noGateway)
	a := registerPeerWith(t, s, gatewayA)
	early.expect(onlyA)
	b := registerPeerWith(t, s, gatewayB)
	early.expect(aThenB)
	late := registerPeerWith(t, s, someWorker)
	late.expect(aThenB)
	early.expectNothing(s)

	late.Close()
	a.expectNothing(s)
	b.expectNothing(s)
	a.Close()
	early.expect(onlyB)
	b.say(gatewayA) // has moved
	early.expect(onlyA)
	early.say(someWorker)
	early.expect(onlyA)
	b.Close()
	early.expect(noGateway)
}

func TestRegisterListsInOrderOfAcceptAndEachOnce(t *testing.T) {
	s := runRegister(t, nil)
	first, second := newRegisterPeer(t, s), newRegisterPeer(t, s)
	s.Do("Register", func(*worker.Worker) {})
	w := registerPeerWith(t, s, someWorker)
	w.expect(noGateway)
	second.say(gatewayB)
	w.expect(onlyB)
	first.say(gatewayA)
	w.expect(aThenB)
	third := registerPeerWith(t, s, gatewayA)
	w.expect(aThenB)
	fourth := registerPeerWith(t, s, gatewayB)
	w.expect(aThenB)
	first.Close()
	w.expect(`{"event":"broadcast_addresses","addresses":["127.0.0.1:2901","127.0.0.1:2900"]}`)
	third.Close()
	w.expect(onlyB)
	second.Close()
	w.expect(onlyB)
	fourth.Close()
	w.expect(noGateway)
}

func TestRegisterNeverWritesToAGateway(t *testing.T) {
	s := runRegister(t, nil)
	g := registerPeerWith(t, s, gatewayA)
	g.say(someWorker)
	w := registerPeerWith(t, s, someWorker)
	w.expect(onlyA)
	w.say(gatewayB) // a worker no more
	registerPeerWith(t, s, someWorker).expect(aThenB)
	g.expectNothing(s)
	w.expectNothing(s)
	g.say("nonsense")
	g.expectClose()
}

func TestRegisterRefusesWhoDoesNotKnowTheSecret(t *testing.T) {
	s := runRegister(t, func(r *Register) { r.SecretKey = "s3cret" })
	for _, key := range []string{
		`""`, `"S3cret"`, `"s3cret "`, `"s3cre"`, `5`, `null`, `true`, `["s3cret"]`,
		`{"s3cret":"s3cret"}`, `0`,
	} {
		for _, line := range []string{
			`{"event":"worker_connect","secret_key":` + key + `}`,
			`{"event":"gateway_connect","address":"127.0.0.1:2900","secret_key":` + key + `}`,
		} {
			registerPeerWith(t, s, line).expectClose()
		}
	}
	registerPeerWith(t, s, `{"event":"worker_connect"}`).expectClose()
	registerPeerWith(t, s, `{"event":"worker_connect","Secret_Key":"s3cret"}`).expectClose()
	s.ExpectLog("the secret_key of its worker_connect is not the SecretKey of this Register")

	w := registerPeerWith(t, s, `{"event":"worker_connect","secret_key":"s3cret"}`)
	w.expect(noGateway)
	line := strings.Replace(gatewayA, `"secret_key":""`, `"secret_key":"s3\u0063ret"`, 1)
	registerPeerWith(t, s, line)
	w.expect(onlyA)
}

func TestRegisterWithoutASecretTakesNoOther(t *testing.T) {
	s := runRegister(t, nil)
	registerPeerWith(t, s, `{"event":"worker_connect"}`).expect(noGateway)
	for _, key := range []string{`"x"`, `0`, `false`, `null`, `[]`} {
		registerPeerWith(t, s, `{"event":"worker_connect","secret_key":`+key+`}`).expectClose()
	}
}

func TestRegisterGivesTenSecondsToSayWhoOneIs(t *testing.T) {
	s := runRegister(t, nil)
	w := registerPeerWith(t, s, someWorker)
	w.expect(noGateway)
	g := registerPeerWith(t, s, gatewayA)
	w.expect(onlyA)
	silent, pings := newRegisterPeer(t, s), newRegisterPeer(t, s)
	for range 9 {
		pings.say(pingLine)
		s.Advance(time.Second)
	}
	silent.expectNothing(s)
	pings.expectNothing(s)
	s.Advance(time.Second)
	silent.expectClose()
	pings.expectClose()
	s.ExpectLog("it has not said who it is within 10s")
	s.Advance(time.Hour)
	w.expectNothing(s)
	g.expectNothing(s)
}

func TestRegisterClosesWithoutAWord(t *testing.T) {
	s := runRegister(t, nil)
	for name, line := range map[string]string{
		"no JSON":               "hello",
		"nothing":               "",
		"http":                  "GET / HTTP/1.1\r",
		"a list":                `["gateway_connect"]`,
		"a string":              `"ping"`,
		"half a line":           `{"event":"ping"`,
		"two":                   `{"event":"ping"}{"event":"ping"}`,
		"no event":              `{"address":"127.0.0.1:2900"}`,
		"event true":            `{"event":true,"address":"127.0.0.1:2900","secret_key":""}`,
		"event 0":               `{"event":0}`,
		"event null":            `{"event":null}`,
		"event empty":           `{"event":""}`,
		"event in capitals":     `{"Event":"ping"}`,
		"unknown event":         `{"event":"hello"}`,
		"what a Register says":  onlyA,
		"not UTF-8":             "{\"event\":\"ping\xff\"}",
		"no address":            `{"event":"gateway_connect","secret_key":""}`,
		"empty address":         `{"event":"gateway_connect","address":"","secret_key":""}`,
		"address of a number":   `{"event":"gateway_connect","address":2900,"secret_key":""}`,
		"address of a list":     `{"event":"gateway_connect","address":["127.0.0.1:2900"]}`,
		"address without port":  `{"event":"gateway_connect","address":"127.0.0.1","secret_key":""}`,
		"address without host":  `{"event":"gateway_connect","address":":2900","secret_key":""}`,
		"address with port 0":   `{"event":"gateway_connect","address":"127.0.0.1:0"}`,
		"port that is too high": `{"event":"gateway_connect","address":"127.0.0.1:65536"}`,
		"a very long address": `{"event":"gateway_connect","address":"` +
			strings.Repeat("a", 300) + `:2900"}`,
	} {
		t.Run(name, func(t *testing.T) {
			registerPeerWith(t, s, line).expectClose()
		})
	}
	w := registerPeerWith(t, s, someWorker)
	w.expect(noGateway)
	w.expectNothing(s)
}

func TestRegisterTakesNoMoreGatewaysThanAreRead(t *testing.T) {
	var g *registry
	var others []*worker.Connection
	s := wmtest.Run(t, func() {
		r := NewRegister("text://127.0.0.1:1236")
		r.OnWorkerStart = func(*worker.Worker) error { g = r.registry; return nil }
	})
	a := registerPeerWith(t, s, gatewayA)
	w := registerPeerWith(t, s, someWorker)
	w.expect(onlyA)
	s.Do("Register", func(*worker.Worker) {
		for range maxGateways - 1 {
			others = append(others, &worker.Connection{})
			g.peers[others[len(others)-1]] = &registrant{address: "127.0.0.1:1"}
		}
	})
	registerPeerWith(t, s, gatewayB).expectClose()
	a.say(strings.ReplaceAll(gatewayA, "2900", "2901")) // who is in may say it again
	w.expect(onlyB)
	s.Do("Register", func(*worker.Worker) {
		for _, c := range others {
			delete(g.peers, c)
		}
	})
}

func TestRegisterTakesNoLongLines(t *testing.T) {
	s := runRegister(t, nil)
	for name, line := range map[string]string{
		"one above the limit": strings.Repeat(" ", defaultMaxLine),
		"10 MiB":              strings.Repeat("x", 10<<20),
	} {
		p := newRegisterPeer(t, s)
		go io.WriteString(p, line+"\n") // ends with the connection
		if n, _ := io.Copy(io.Discard, p.r); n > 0 {
			t.Errorf("%s: %d bytes came", name, n)
		}
	}
	longest := strings.Repeat(" ", defaultMaxLine-1-len(someWorker)) + someWorker
	registerPeerWith(t, s, longest).expect(noGateway)
}

func TestRegisterTakesLinesInPieces(t *testing.T) {
	s := runRegister(t, nil)
	p := newRegisterPeer(t, s)
	for _, b := range []byte(pingLine + "\r\n" + someWorker + "\r\n") {
		p.Write([]byte{b})
		s.Do("Register", func(*worker.Worker) {})
	}
	p.expect(noGateway)
}

func TestRegisterCallsTheAuthor(t *testing.T) {
	happened := make(chan string, 10)
	s := runRegister(t, func(r *Register) {
		r.OnConnect = func(*worker.Connection) { happened <- "connect" }
		r.OnClose = func(*worker.Connection) { happened <- "close" }
		r.OnWorkerStart = func(*worker.Worker) error { happened <- "start"; return nil }
	})
	w := registerPeerWith(t, s, someWorker)
	w.expect(noGateway)
	w.Close()
	for _, want := range []string{"start", "connect", "close"} {
		select {
		case got := <-happened:
			if got != want {
				t.Errorf("%s, want %s", got, want)
			}
		case <-time.After(registerTaken):
			t.Fatalf("no %s", want)
		}
	}
}

// A Register that goes closes one connection after the other: who is still there
// must not take the gateways that were closed first for gone.
func TestRegisterThatLeavesTakesNobodyOffTheList(t *testing.T) {
	s := runRegister(t, nil)
	w := registerPeerWith(t, s, someWorker)
	w.expect(noGateway)
	g := registerPeerWith(t, s, gatewayA)
	w.expect(onlyA)
	s.Do("Register", func(*worker.Worker) { worker.StopAll(0, "the test says so") })
	g.expectClose()
	w.expectClose()
}

func TestRegisterRefusesToStart(t *testing.T) {
	for name, c := range map[string]struct {
		address string
		with    func(r *Register)
		want    string
	}{
		"every address": {"text://0.0.0.0:1236", nil, "no SecretKey"},
		"an inner one":  {"text://10.0.0.1:1236", nil, "no SecretKey"},
		"IPv6":          {"text://[::]:1236", nil, "no SecretKey"},
		"a host name":   {"text://register.example:1236", nil, "no SecretKey"},
		"a secret":      {"text://0.0.0.0:1236", func(r *Register) { r.SecretKey = "x" }, ""},
		"this host":     {"text://127.0.0.1:1236", nil, ""},
		"by name":       {"text://localhost:1236", nil, ""},
		"by IPv6":       {"text://[::1]:1236", nil, ""},
		"tcp":           {"tcp://127.0.0.1:1236", nil, ""},
		"udp":           {"udp://127.0.0.1:1236", nil, "reached by tcp"},
		"count":         {"text://127.0.0.1:1236", func(r *Register) { r.Count = 2 }, "Count is 2"},
		"reloadable": {"text://127.0.0.1:1236",
			func(r *Register) { r.Reloadable = true }, "Reloadable"},
		"protocol": {"text://127.0.0.1:1236",
			func(r *Register) { r.Protocol = frame.Protocol }, "Protocol"},
		"OnMessage": {"text://127.0.0.1:1236", func(r *Register) {
			r.OnMessage = func(*worker.Connection, []byte) {}
		}, "OnMessage"},
		"no time": {"text://127.0.0.1:1236",
			func(r *Register) { r.AuthTimeout = 0 }, "AuthTimeout"},
		"no room": {"text://127.0.0.1:1236", func(r *Register) { r.MaxLine = 10 }, "MaxLine"},
		"a secret of bytes": {"text://127.0.0.1:1236",
			func(r *Register) { r.SecretKey = "\xff" }, "not UTF-8"},
	} {
		made, undo := worker.Rehearse(worker.App{Name: "test", Start: func() {
			r := NewRegister(c.address)
			if c.with != nil {
				c.with(r)
			}
		}})
		d := made[0].Declaration()
		undo()
		if c.want == "" && d.Err != "" || !strings.Contains(d.Err, c.want) {
			t.Errorf("%s: %q, want %q", name, d.Err, c.want)
		}
		if d.Count == 1 && (d.Name != "Register" || d.ReusePort || !d.StopFirst) {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
