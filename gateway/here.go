package gateway

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/worker"
)

// residents are the Gateways that live in this process. A Client does not reach them
// over sockets: in a test, where all Workers share one loop, a question that blocks the
// loop would never be answered. In a service there are none but in a Gateway process
// itself. Never changed, only replaced: any goroutine may read.
type residents struct {
	loop      *eventloop.Loop
	gateways  map[string]*process // by inner address, "127.0.0.1:2900"
	addresses []string            // in one order, whoever asks
	registers map[string]bool     // that live here too: they know of no other Gateways
}

// here are the residents of the process that was made last. Only the goroutine of its
// loop replaces them.
var here atomic.Pointer[residents]

// addGateway makes p known, now, and again when all Workers of the process have been
// started, Registers among them. Called on the loop goroutine.
func addGateway(p *process) {
	gateways := map[string]*process{p.address(): p}
	if n := resident(); n != nil {
		maps.Copy(gateways, n.gateways)
	}
	setResidents(worker.Loop(), gateways)
	worker.Post(func() {
		if n := resident(); n != nil {
			setResidents(n.loop, n.gateways)
		}
	})
}

// setResidents replaces the residents.
func setResidents(loop *eventloop.Loop, gateways map[string]*process) {
	n := &residents{
		loop: loop, gateways: gateways,
		addresses: slices.Sorted(maps.Keys(gateways)), registers: make(map[string]bool),
	}
	for _, p := range gateways {
		for _, address := range p.g.RegisterAddress {
			if registerWorker(address) != nil {
				n.registers[address] = true
			}
		}
	}
	here.Store(n)
}

// resident returns what is known of this process, not of a former one of a test; nil:
// no Gateway lives here.
func resident() *residents {
	n := here.Load()
	if n == nil || n.loop != worker.Loop() {
		return nil
	}
	return n
}

// localGateway returns the Gateway of this process with an inner address, and nil.
func localGateway(address string) *process {
	if n := resident(); n != nil {
		return n.gateways[address]
	}
	return nil
}

// localGateways are all Gateways of a cluster whose Register lives in this process,
// as in a test; nil when it does not.
func localGateways(registers []string) []string {
	n := resident()
	if n == nil || !slices.ContainsFunc(registers, func(r string) bool { return n.registers[r] }) {
		return nil
	}
	return n.addresses
}
