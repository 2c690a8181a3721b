package gateway

import (
	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/worker"
)

// here are the Gateway processes that live in this process, by the inner address that
// others know: in a test, where all Workers share one loop, a question that blocks the
// loop would never be answered over a socket. Set and read on the loop goroutine.
type here struct {
	loop     *eventloop.Loop     // the one they live on
	gateways map[string]*process // "127.0.0.1:2900"
}

// present is the here of the process that was made last.
var present here

// local returns what lives on the loop of this process; what a former process of a
// test has left is forgotten. Called on the loop goroutine.
func local() *here {
	if loop := worker.Loop(); present.loop != loop || present.gateways == nil {
		present = here{loop: loop, gateways: make(map[string]*process)}
	}
	return &present
}

// addGateway makes p known under its inner address, until the process ends.
func (h *here) addGateway(p *process) {
	h.gateways[p.address()] = p
	h.publish()
}

// gateway returns the Gateway process with an inner address; nil: it is elsewhere.
func (h *here) gateway(address string) *process { return h.gateways[address] }
