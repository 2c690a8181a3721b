package gateway

import (
	"iter"
	"math/rand/v2"

	"github.com/workerman-go/wm/worker"
)

// clients are the clients of a Gateway process by number, by uid and by group.
// The zero value has none. Owned by the loop; no locking.
type clients struct {
	numbers map[uint32]*client
	all     chain[client] // in order of connecting
	uids    map[string]*members
	groups  map[string]*members
	listed  chain[members] // the groups, in the order in which they appeared
	last    uint32         // the number given last

	answers []byte             // memory of the answer before, for the next one
	early   map[*client][]byte // raw bytes for those whose handshake is not done
}

// client is one of them. There may be very many: it is kept small.
type client struct {
	conn    *worker.Connection
	link    *Link  // that its events go to; nil: none yet
	session string // as the BusinessWorkers encode it
	id      uint32 // never 0
	silent  int16  // ticks without a message, see heartbeat.go
	grouped bool   // it was in a group once

	uid    *membership // nil: none
	groups chain[membership]
	index  map[*members]*membership // of groups; nil while they are few
	hook   hook[client]             // in clients.all
}

func (c *client) inAll() *hook[client] { return &c.hook }

// add makes the client of conn, with a number of its own: numbers begin at
// random, so that old client ids do not name new users, go up to 2^32-1 and on at
// 1, and leave out those in use (wire.md 2.16).
func (t *clients) add(conn *worker.Connection) *client {
	if t.numbers == nil {
		t.begin(rand.Uint32())
	}
	t.last++
	for t.last == 0 || t.numbers[t.last] != nil {
		t.last++
	}
	c := &client{conn: conn, id: t.last, silent: spoke}
	t.numbers[c.id] = c
	t.all.push(c, (*client).inAll)
	return c
}

// begin makes the tables; the number of the first client follows last.
func (t *clients) begin(last uint32) {
	t.numbers = map[uint32]*client{}
	t.uids = map[string]*members{}
	t.groups = map[string]*members{}
	t.early = map[*client][]byte{}
	t.last = last
}

// remove forgets c, its uid and its groups; it keeps its number and its session.
// A second call does nothing.
func (t *clients) remove(c *client) {
	if t.numbers[c.id] != c {
		return
	}
	delete(t.numbers, c.id)
	delete(t.early, c)
	t.all.cut(c, (*client).inAll)
	t.unbind(c)
	for m := c.groups.first; m != nil; m = c.groups.first {
		t.quit(m)
	}
}

// byID returns the client with a number, and nil when there is none.
func (t *clients) byID(id uint32) *client { return t.numbers[id] }

// len is how many there are.
func (t *clients) len() int { return t.all.n }

// each yields all clients in order of connecting. Any of them may be removed
// meanwhile.
func (t *clients) each() iter.Seq[*client] { return t.all.each((*client).inAll) }
