package gateway

import (
	"bufio"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

// fakeRegister is a Register that does what the test says, and no more.
type fakeRegister struct {
	t *testing.T
	net.Listener
}

func newFakeRegister(t *testing.T, at string) *fakeRegister {
	t.Helper()
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	l.(*net.TCPListener).SetDeadline(time.Now().Add(registerTaken))
	return &fakeRegister{t: t, Listener: l}
}

func (f *fakeRegister) address() string { return f.Addr().String() }

// accept waits for somebody who says line first.
func (f *fakeRegister) accept(line string) *registerPeer {
	f.t.Helper()
	c, err := f.Accept()
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(registerTaken))
	p := &registerPeer{t: f.t, Conn: c, r: bufio.NewReader(c)}
	p.expect(line)
	return p
}

// follower is a Worker that follows Registers.
type follower struct {
	t     *testing.T
	s     *wmtest.Service
	name  string
	links *registerLinks
	told  chan []string
}

func newFollower(t *testing.T, secret string, registers ...string) *follower {
	t.Helper()
	f := &follower{t: t, name: "follower", told: make(chan []string, 100)}
	f.s = wmtest.Run(t, func() {
		w := worker.New("")
		w.Name = "follower"
		w.OnWorkerStart = func(*worker.Worker) error {
			f.links = follow(registers, secret, func(gateways []string) { f.told <- gateways })
			return nil
		}
	})
	return f
}

func (f *follower) do(fn func()) {
	f.s.Do(f.name, func(*worker.Worker) { fn() })
}

func (f *follower) expect(want ...string) {
	f.t.Helper()
	select {
	case got := <-f.told:
		if !slices.Equal(got, want) {
			f.t.Fatalf("told %q, want %q", got, want)
		}
	case <-time.After(registerTaken):
		f.t.Fatalf("told nothing, want %q", want)
	}
}

// expectNothing looks when everything that was sent has been read.
func (f *follower) expectNothing() {
	f.t.Helper()
	f.do(func() {})
	select {
	case got := <-f.told:
		f.t.Fatalf("told %q, want nothing", got)
	default:
	}
}

// gone waits until the link has noticed that its Register has closed.
func (f *follower) gone(link int) {
	f.t.Helper()
	for deadline := time.Now().Add(registerTaken); ; {
		gone := false
		f.do(func() { gone = f.links.links[link].connected.IsZero() })
		if gone {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatal("the link has not noticed")
		}
	}
}

// again waits for gone, and has the link try again.
func (f *follower) again(link int) {
	f.t.Helper()
	f.gone(link)
	f.s.Advance(registerRetry)
}

// addressesOf is the line of a Register.
func addressesOf(t *testing.T, gateways ...string) string {
	t.Helper()
	line, err := addressesLine(gateways)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func TestFollowingOneRegister(t *testing.T) {
	reg := newFakeRegister(t, "127.0.0.1:0")
	f := newFollower(t, "s3", reg.address())
	p := reg.accept(workerLine("s3"))
	p.say(noGateway)
	f.expect()
	p.say(aThenB)
	f.expect("127.0.0.1:2900", "127.0.0.1:2901")
	p.say(aThenB)
	f.expectNothing()
	p.say(`{"event":"broadcast_addresses","addresses":{"0":"127.0.0.1:2900","2":"127.0.0.1:2901"}}`)
	f.expectNothing()
	p.say(onlyB)
	f.expect("127.0.0.1:2901")
	for _, odd := range []string{
		"nonsense", pingLine, `{"event":"broadcast_addresses","addresses":"x"}`,
		`{"event":"broadcast_addresses","addresses":["no port"]}`, "",
	} {
		p.say(odd)
	}
	f.s.ExpectLog("its line has no JSON object with an event")
	f.expectNothing()
	p.say(noGateway)
	f.expect()
}

func TestFollowingSeveralRegistersIsTheirUnion(t *testing.T) {
	one, two := newFakeRegister(t, "127.0.0.1:0"), newFakeRegister(t, "127.0.0.1:0")
	f := newFollower(t, "", one.address(), two.address())
	p, q := one.accept(someWorker), two.accept(someWorker)
	q.say(onlyB)
	f.expect("127.0.0.1:2901")
	p.say(noGateway)
	f.expectNothing()
	p.say(aThenB)
	f.expect("127.0.0.1:2900", "127.0.0.1:2901")
	q.Close()
	f.gone(1)
	f.expectNothing()
	p.say(addressesOf(t, "127.0.0.1:2900"))
	f.expectNothing() // who is gone has said 2901 last
	f.again(1)
	q = two.accept(someWorker)
	q.say(noGateway)
	f.expectNothing() // it is back, and knows nobody yet
	f.s.Advance(registerSettle)
	f.expect("127.0.0.1:2900")
}

func TestARegisterThatStartsAgainEmptyTakesNobodyAway(t *testing.T) {
	reg := newFakeRegister(t, "127.0.0.1:0")
	f := newFollower(t, "", reg.address())
	p := reg.accept(someWorker)
	p.say(aThenB)
	f.expect("127.0.0.1:2900", "127.0.0.1:2901")
	p.Close()
	f.again(0)
	p = reg.accept(someWorker)
	p.say(noGateway)
	f.expectNothing()
	p.say(onlyA)
	f.expectNothing()
	p.Close() // once more, before it has settled
	f.again(0)
	p = reg.accept(someWorker)
	p.say(noGateway)
	p.say(addressesOf(t, "127.0.0.1:2903"))
	f.expect("127.0.0.1:2903", "127.0.0.1:2900", "127.0.0.1:2901")
	f.s.Advance(registerSettle)
	f.expect("127.0.0.1:2903")
}

func TestALinkIsTriedEachSecond(t *testing.T) {
	reg := newFakeRegister(t, "127.0.0.1:0")
	address := reg.address()
	reg.Close()
	f := newFollower(t, "", address)
	f.s.ExpectLog("register " + address + ": cannot be reached, tried each second")
	f.do(func() {
		if got := f.links.unanswered(); !slices.Equal(got, []string{address}) {
			t.Errorf("unanswered %q", got)
		}
	})
	reg = newFakeRegister(t, address)
	f.s.Advance(registerRetry)
	defer func() { f.do(func() { expectKeptAlive(t, f.links.links[0].c) }) }()
	p := reg.accept(someWorker)
	f.s.ExpectLog("register " + address + ": reached")
	p.say(onlyA)
	f.expect("127.0.0.1:2900")
	f.do(func() {
		if got := f.links.unanswered(); got != nil {
			t.Errorf("unanswered %q", got)
		}
	})
	p.Close()
	f.s.ExpectLog("register " + address + ": connection lost")
	f.again(0)
	reg.accept(someWorker)
}

func TestAWrongSecretIsSaidOnceAMinute(t *testing.T) {
	reg := newFakeRegister(t, "127.0.0.1:0")
	f := newFollower(t, "wrong", reg.address())
	for range 3 {
		reg.accept(workerLine("wrong")).Close()
		f.again(0)
	}
	f.s.ExpectLog("is its SecretKey another one?")
	f.do(func() {
		l := f.links
		if l.links[0].snubs < 3 || len(l.rarely.last) != 1 {
			t.Errorf("%d snubs, logged %v", l.links[0].snubs, l.rarely.last)
		}
	})
	p := reg.accept(workerLine("wrong")) // it was the Register that was wrong
	p.say(noGateway)
	f.expect()
}

func TestLinksPingEvery25SecondsElsewhere(t *testing.T) {
	reg := newFakeRegister(t, "127.0.0.1:0")
	_, port, _ := net.SplitHostPort(reg.address())
	f := newFollower(t, "", "localhost:"+port)
	p := reg.accept(someWorker)
	p.say(noGateway)
	f.expect()
	for range 3 {
		f.s.Advance(registerPing)
		p.expect(pingLine)
	}
}

func TestLinksOnThisHostDoNotPing(t *testing.T) {
	reg := newFakeRegister(t, "127.0.0.1:0")
	f := newFollower(t, "", reg.address())
	p := reg.accept(someWorker)
	p.say(noGateway)
	f.expect()
	f.s.Advance(time.Hour)
	f.do(f.links.close)
	p.expectClose()
}

func TestAClosedLinkStaysClosed(t *testing.T) {
	reg := newFakeRegister(t, "127.0.0.1:0")
	f := newFollower(t, "", reg.address())
	p := reg.accept(someWorker)
	p.say(onlyA)
	f.expect("127.0.0.1:2900")
	f.do(f.links.close)
	p.expectClose()
	f.s.Advance(time.Minute)
	f.expectNothing()
	reg.Listener.(*net.TCPListener).SetDeadline(time.Now())
	if c, err := reg.Accept(); err == nil {
		t.Errorf("%s has connected", c.RemoteAddr())
	}
}

// A Gateway says its line at each connection, to each Register, and takes no
// answer for anything.
func TestAnnouncing(t *testing.T) {
	one, two := newFakeRegister(t, "127.0.0.1:0"), newFakeRegister(t, "127.0.0.1:0")
	var links *registerLinks
	s := wmtest.Run(t, func() {
		w := worker.New("")
		w.Name = "announcer"
		w.OnWorkerStart = func(*worker.Worker) error {
			links = announce([]string{one.address(), two.address()}, "", "127.0.0.1:2900")
			return nil
		}
	})
	p, q := one.accept(gatewayA), two.accept(gatewayA)
	p.say("nonsense")
	p.say(aThenB)
	q.Close()
	f := &follower{t: t, s: s, links: links, name: "announcer"}
	f.again(1)
	q = two.accept(gatewayA)
	s.Do("announcer", func(*worker.Worker) { links.close() })
	p.expectClose()
	q.expectClose()
}

// The address that a Register was declared with means the one it has, in whatever
// order the Workers of a test are declared.
func TestRegistersOfThisProcessAreFoundByTheirDeclaredAddress(t *testing.T) {
	told := make(chan []string, 10)
	s := wmtest.Run(t, func() {
		w := worker.New("")
		w.OnWorkerStart = func(*worker.Worker) error {
			follow([]string{"127.0.0.1:1236"}, "s3", func(gateways []string) { told <- gateways })
			announce([]string{"127.0.0.1:1236"}, "s3", "127.0.0.1:2900")
			return nil
		}
		NewRegister("text://0.0.0.0:1236").SecretKey = "s3"
	})
	deadline := time.After(registerTaken)
	for want := []string{"127.0.0.1:2900"}; ; {
		select {
		case got := <-told:
			if slices.Equal(got, want) {
				s.ExpectLog("gateway 127.0.0.1:2900 has come")
				return
			}
		case <-deadline:
			t.Fatal("nobody was told of the gateway")
		}
	}
}

func TestCheckRegisters(t *testing.T) {
	for _, c := range []struct {
		list []string
		want string
	}{
		{[]string{"127.0.0.1:1236"}, ""},
		{[]string{"127.0.0.1:1236", "register.example:1236", "[::1]:1236"}, ""},
		{nil, "empty"},
		{[]string{""}, "not like"},
		{[]string{"text://127.0.0.1:1236"}, "not like"},
		{[]string{"127.0.0.1"}, "not like"},
		{[]string{"127.0.0.1:1236", "127.0.0.1:1236"}, "twice"},
	} {
		err := checkRegisters(c.list)
		if c.want == "" && err != nil || c.want != "" && (err == nil ||
			!strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %v, want %q", c.list, err, c.want)
		}
	}
}

// Who looks at the log wants to see the end of a trouble too.
func TestALostRegisterIsLoggedAndItsReturn(t *testing.T) {
	reg := newFakeRegister(t, "127.0.0.1:0")
	f := newFollower(t, "", reg.address())
	p := reg.accept(someWorker)
	p.say(noGateway)
	f.expect()
	p.Close()
	f.again(0)
	f.s.ExpectLog("register " + reg.address() + ": connection lost, tried again each second")
	reg.accept(someWorker)
	f.s.ExpectLog("register " + reg.address() + ": reached")
}

// When a service stops, its Register may be gone before the others are told.
func TestALostRegisterIsNotLoggedByWhoLeaves(t *testing.T) {
	reg := newFakeRegister(t, "127.0.0.1:0")
	f := newFollower(t, "", reg.address())
	p := reg.accept(someWorker)
	p.say(noGateway)
	f.expect()
	p.Close()
	f.gone(0)
	f.do(f.links.close)
	f.s.Advance(time.Minute)
	f.do(func() {
		if said := f.links.rarely.last; len(said) > 0 {
			t.Errorf("logged %v", said)
		}
	})
}
