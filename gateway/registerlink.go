package gateway

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/worker"
)

const (
	// registerRetry is how long to wait for a Register that has closed or cannot
	// be reached.
	registerRetry = time.Second
	// registerPing keeps what stands between this host and a Register awake.
	registerPing = 25 * time.Second
	// registerSettle is how long a Register that has come back may not know all
	// Gateways yet: each of them tries once a second.
	registerSettle = 3 * time.Second
	// registerSnub is how soon a Register closes that does not like the secret.
	registerSnub = 2 * time.Second
)

// registerLinks are the connections of a process to the Registers. Owned by the
// loop; no locking.
type registerLinks struct {
	links   []*registerLink
	line    string // says who we are
	changed func(gateways []string)
	known   []string // what changed was called with
	told    bool     // changed was called
	closed  bool
	rarely  rarely
}

// registerLink is the connection to one Register.
type registerLink struct {
	all     *registerLinks
	address string
	c       *worker.Connection

	connected time.Time // of the loop; zero: it is not
	heard     bool      // it said something since then
	failed    bool      // the last attempt did not reach it
	snubs     int       // how often in a row it has closed at once

	answered bool     // it has ever said where the Gateways are
	gateways []string // what it said last
	before   []string // what it said before it went away, until it has settled
	settled  eventloop.TimerID
	ping     eventloop.TimerID
}

// checkRegisters refuses a RegisterAddress that cannot be one.
func checkRegisters(addresses []string) error {
	if len(addresses) == 0 {
		return errors.New("RegisterAddress is empty")
	}
	for i, address := range addresses {
		if !isAddress(address) {
			return fmt.Errorf("RegisterAddress has %q, which is not like 127.0.0.1:1236", address)
		}
		if slices.Contains(addresses[:i], address) {
			return fmt.Errorf("RegisterAddress has %s twice", address)
		}
	}
	return nil
}

// announce tells each Register, until close, that a Gateway has the inner address.
// It connects in the next turn, when the Registers of this process are there.
// Called on the loop goroutine, from Extend on.
func announce(registers []string, secret, address string) *registerLinks {
	return newRegisterLinks(registers, gatewayLine(address, secret), nil)
}

// follow calls changed with the addresses of all Gateways: when the first Register
// has answered, with none maybe, and whenever they are others. What the Registers
// say counts together. What one that is gone said last goes on counting, and for
// three seconds after it is back: it does not know them all then. Called on the loop
// goroutine, from Extend on, and so is changed, which may keep gateways.
func follow(
	registers []string, secret string, changed func(gateways []string),
) *registerLinks {
	return newRegisterLinks(registers, workerLine(secret), changed)
}

func newRegisterLinks(
	registers []string, line string, changed func([]string),
) *registerLinks {
	l := &registerLinks{line: line, changed: changed}
	for _, address := range registers {
		l.links = append(l.links, &registerLink{all: l, address: address})
	}
	worker.Post(func() {
		for _, one := range l.links {
			one.dial()
		}
	})
	return l
}

// close leaves the Registers: who announced a Gateway is off the list at once.
// changed is not called any more. Called on the loop goroutine.
func (l *registerLinks) close() {
	l.closed = true
	for _, one := range l.links {
		worker.Loop().DelTimer(one.settled)
		if one.c != nil {
			one.c.CancelReconnect()
			one.c.Close()
		}
	}
}

// unanswered are the Registers that have never said where the Gateways are.
func (l *registerLinks) unanswered() []string {
	var list []string
	for _, one := range l.links {
		if !one.answered {
			list = append(list, one.address)
		}
	}
	return list
}

// update calls changed when there is something to tell.
func (l *registerLinks) update() {
	var list []string
	for _, one := range l.links {
		list = once(list, one.gateways, one.before)
	}
	if l.closed || l.told && slices.Equal(list, l.known) {
		return
	}
	l.known, l.told = list, true
	l.changed(slices.Clone(list))
}

func (r *registerLink) dial() {
	if r.all.closed {
		return
	}
	r.c = worker.Dial("text://" + registerHere(r.address))
	r.c.OnConnect = r.onConnect
	r.c.OnMessage = r.onMessage
	r.c.OnError = r.onError
	r.c.OnClose = r.onClose
}

// registerHere is where to dial a Register: one that this process serves is on a
// port of its own in a test.
func registerHere(address string) string {
	if w := registerWorker(address); w != nil {
		return w.Addr().String()
	}
	return address
}

// registerWorker returns the Worker of this process that was declared with the
// address of a Register; nil: it is elsewhere, or not open yet.
func registerWorker(address string) *worker.Worker {
	host, port, _ := net.SplitHostPort(address)
	for _, w := range worker.Workers() {
		d := w.Declaration()
		at, declared, _ := net.SplitHostPort(d.Host)
		wildcard := at == "" || at == "0.0.0.0" || at == "::"
		same := at == host || isLoopback(host) && (wildcard || isLoopback(at))
		if d.Transport == "tcp" && declared == port && same && w.Addr() != nil {
			return w
		}
	}
	return nil
}

func (r *registerLink) onConnect(c *worker.Connection) {
	keepWatch(c)
	c.Send(r.all.line)
	if r.failed {
		r.failed = false
		r.log("reached", "reached")
	}
	r.connected, r.heard = worker.Loop().Now(), false
	// Between two ends on 127.0.0.1 is nothing that falls asleep (wire.md 1.6).
	if !strings.HasPrefix(r.address, "127.0.0.1") {
		r.ping = worker.Loop().AddInnerTimer(registerPing, true, func() { c.Send(pingLine) })
	}
}

// onMessage is a list. Only who follows gets any.
func (r *registerLink) onMessage(_ *worker.Connection, data []byte) {
	l, err := parseRegisterLine(data)
	switch {
	case r.all.changed == nil:
		return
	case err != nil:
		r.log("odd", "its line has %v", err)
		return
	case l.event != eventAddresses:
		r.log("odd", "its line is %.40q, and not about addresses", l.event)
		return
	}
	if !r.heard && r.answered {
		r.settle()
	}
	r.heard, r.answered, r.gateways = true, true, l.addresses
	r.all.update()
}

// settle lets what the Register said before it went away count for a while.
func (r *registerLink) settle() {
	r.before = once(r.before, r.gateways)
	r.settled = worker.Loop().AddInnerTimer(registerSettle, false, func() {
		r.before = nil
		r.all.update()
	})
}

func (r *registerLink) onError(_ *worker.Connection, code worker.ErrorCode, err error) {
	if code == worker.ConnectFail {
		r.failed = true
		r.log("failed", "cannot be reached, tried each second: %v", err)
	}
}

// onClose tries again in a second.
func (r *registerLink) onClose(c *worker.Connection) {
	worker.Loop().DelTimer(r.ping)
	worker.Loop().DelTimer(r.settled)
	since := r.connected
	r.connected = time.Time{}
	if r.all.closed || worker.Self().Context().Err() != nil { // all of the process ends
		return
	}
	c.Reconnect(registerRetry)
	if !since.IsZero() {
		r.lost(worker.Loop().Now().Sub(since))
	}
}

// lost finds out whether the secret is wrong: a Register says nothing about that,
// it closes.
func (r *registerLink) lost(after time.Duration) {
	if r.heard || after >= registerSnub {
		r.snubs = 0
		r.log("lost", "connection lost, tried again each second")
		return
	}
	if r.snubs++; r.snubs > 1 {
		r.log("snub", "it closes when it is told who this is: is its SecretKey another one?")
	}
}

// log says something about this Register, about one thing once a minute.
func (r *registerLink) log(what, format string, a ...any) {
	r.all.rarely.log(what+r.address, "register %s: %s", r.address, fmt.Sprintf(format, a...))
}
