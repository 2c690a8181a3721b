package gateway

import (
	"math"
	"time"

	"github.com/workerman-go/wm/worker"
)

const (
	// spoke is client.silent of who has sent a message since the last tick.
	spoke = -1
	// mostSilence is the highest PingNotResponseLimit: more is the same.
	mostSilence = math.MaxInt16/2 - 1
)

// heartbeat finds clients that are gone without a word (wire.md 2.14).
type heartbeat struct {
	t     *clients
	limit int    // pings without a message in between; 0: any number
	data  []byte // empty: no pings are sent
}

// heard notes that c has sent a message. Control frames of the protocol are none.
func (c *client) heard() { c.silent = spoke }

// startHeartbeat begins the pings of a process, when the author wants them. Called
// once, on the loop goroutine.
func (p *process) startHeartbeat() {
	every := p.g.PingInterval
	if every <= 0 {
		return
	}
	h := newHeartbeat(&p.clients, p.g.PingNotResponseLimit, p.g.PingData)
	if h.limit > 0 {
		every /= 2
	}
	worker.Loop().AddInnerTimer(max(every, time.Millisecond), true, h.tick)
}

// newHeartbeat returns one that has not ticked. "0" is no data, as in PHP.
func newHeartbeat(t *clients, limit int, data string) *heartbeat {
	if data == "0" {
		data = ""
	}
	return &heartbeat{t: t, limit: min(max(limit, 0), mostSilence), data: []byte(data)}
}

// tick cuts who was silent for too long and pings who was silent. With a limit
// there are two ticks in an interval, and every other one pings.
func (h *heartbeat) tick() {
	ping := outgoing{bytes: h.data}
	for c := range h.t.each() {
		if h.limit > 0 && int(c.silent) >= 2*h.limit {
			c.conn.Destroy()
			continue
		}
		if c.silent < 2*mostSilence {
			c.silent++
		}
		if len(h.data) > 0 && c.silent != 0 && (h.limit == 0 || c.silent%2 == 0) {
			ping.send(h.t, c)
		}
	}
}
