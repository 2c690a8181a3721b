package gateway

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// linkTable are the links of a BusinessWorker process; it implements uplinks. Owned
// by the loop, but for what mu guards.
type linkTable struct {
	p     *business
	limit int                // SendToGatewayBuffer
	links map[string]*uplink // by address; what is not named stays as long as it stands
	said  rarely
	spare []*uplink // for full
	turn  bool      // drain is called at the end of the turn
	told  bool      // a Register has named Gateways, perhaps none

	mu     sync.Mutex         // guards the fields below, and box of every link
	named  []string           // never written to
	linked map[string]*uplink // those that take packets
	there  []string           // their addresses in one order, never written to
	lost   map[string]bool    // named ones whose link has ended, or could not be made
	full   []*uplink          // whose box is not empty
	posted bool               // drain will be called

	pressing atomic.Bool // something in a box should not wait for the end of the turn
}

func newLinkTable(p *business) *linkTable {
	t := &linkTable{
		p: p, limit: p.b.SendToGatewayBuffer,
		links: make(map[string]*uplink), linked: make(map[string]*uplink),
		lost: make(map[string]bool),
	}
	if t.limit <= 0 {
		t.limit = defaultToGateway
	}
	return t
}

func (t *linkTable) now() time.Time { return t.p.loop.Now() }

// changed is called with the Gateways that Registers name now. Those that are not
// among them keep their links, but are not dialled again (wire.md 3.2).
func (t *linkTable) changed(gateways []string) {
	t.told = true
	t.mu.Lock()
	t.named = slices.Clone(gateways)
	t.mu.Unlock()
	if t.p.leaving != nil {
		return
	}
	t.p.cluster.keepOnly(gateways)
	for address, l := range t.links {
		l.named = slices.Contains(gateways, address)
		if !l.named && !l.standing {
			t.drop(l)
		}
	}
	for _, address := range gateways {
		if t.links[address] == nil {
			t.dial(address)
		}
	}
	t.p.checkReady()
}

// drop forgets a link that does not stand.
func (t *linkTable) drop(l *uplink) {
	if t.links[l.address] == l {
		delete(t.links, l.address)
	}
	l.named = false
	t.mu.Lock()
	delete(t.lost, l.address)
	t.mu.Unlock()
	l.conn.CancelReconnect()
	l.conn.Destroy() // one that is connecting
}

// missing are the named Gateways without a link that is known to work.
func (t *linkTable) missing() []string {
	var missing []string
	for address, l := range t.links {
		if l.named && !(l.standing && l.settled) {
			missing = append(missing, address)
		}
	}
	slices.Sort(missing)
	return missing
}

// open has a link take packets.
func (t *linkTable) open(l *uplink) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.box = outbox{}
	l.linked = true
	l.progress = progress{life: time.Now()}
	t.linked[l.address] = l
	t.there = slices.Sorted(maps.Keys(t.linked))
	delete(t.lost, l.address)
}

// trust notes that a Gateway is of wm, given how much was put on a link.
func (t *linkTable) trust(l *uplink) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.progress.wm = true
}

func (t *linkTable) given(l *uplink, bytes int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.progress.put += int64(bytes)
}

// shut ends that. What waits in its box is lost with the link.
func (t *linkTable) shut(l *uplink) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.box = outbox{}
	l.linked = false
	if t.linked[l.address] == l {
		delete(t.linked, l.address)
		t.there = slices.Sorted(maps.Keys(t.linked))
	}
	if l.named && t.p.leaving == nil {
		t.lost[l.address] = true
	}
}

// down implements uplinks.
func (t *linkTable) down(address string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lost[address]
}

// takes says that there is a link to a Gateway that takes packets. Any goroutine.
func (t *linkTable) takes(address string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.linked[address] != nil
}

// gateways implements uplinks.
func (t *linkTable) gateways() (named, linked []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.named, t.there
}
