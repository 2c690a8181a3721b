package gateway

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/worker"
)

// residents are what any goroutine may know of here: the Gateways of this process,
// which a Client does not reach over sockets. In a service there are none but in a
// Gateway process itself.
type residents struct {
	loop      *eventloop.Loop
	gateways  map[string]*process // by inner address
	addresses []string            // in one order, whoever asks
	registers map[string]bool     // that live here too: they know of no other Gateways
}

// published are the residents of the process that was made last.
var published atomic.Pointer[residents]

// publish makes what lives here known to Clients, now, and again when all Workers of
// the process have been started. Called on the loop goroutine.
func (h *here) publish() {
	h.show()
	h.loop.Post(h.show)
}

func (h *here) show() {
	n := &residents{
		loop: h.loop, gateways: maps.Clone(h.gateways),
		addresses: slices.Sorted(maps.Keys(h.gateways)), registers: make(map[string]bool),
	}
	for _, p := range h.gateways {
		for _, address := range p.g.RegisterAddress {
			if registerWorker(address) != nil {
				n.registers[address] = true
			}
		}
	}
	published.Store(n)
}

// resident returns what is known of this process; nil: no Gateway lives here.
func resident() *residents {
	n := published.Load()
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
