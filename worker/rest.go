package worker

import "slices"

// How much is done for one connection in one turn, and for how many that left
// something over: the others are not to wait for it.
const (
	// maxConsumed is after how many bytes of messages, as they are decoded, a
	// connection lets others go first. It is above what one read brings, so
	// that only messages that were compressed, or are large, come to it.
	maxConsumed = 256 << 10
	// maxRests is how many connections go on in one turn.
	maxRests = 4
)

// rests are the connections that have complete messages left for later turns.
type rests struct {
	waiting  []*Connection // the next one first
	due      int           // so many of them waited when this turn began
	posted   bool          // goOn will be called
	consumer *Connection   // whose messages were delivered last in this turn
	consumed int           // bytes of it
}

// endTurn makes everybody start anew.
func (r *rests) endTurn() { r.due, r.consumer = len(r.waiting), nil }

// rest leaves what is not delivered yet for a later turn. Meanwhile c reads no
// more.
func (c *Connection) rest() {
	r := &c.p.rests
	c.flags |= resting
	r.waiting = append(r.waiting, c)
	c.p.postRests()
}

// again leaves a message of n bytes that the protocol is not done with.
func (c *Connection) again(n int) {
	if Status(c.status) == Established {
		c.need = uint32(n)
		c.rest()
	}
}

func (p *Process) postRests() {
	if r := &p.rests; !r.posted && len(r.waiting) > 0 {
		r.posted = true
		p.loop.Post(p.goOn)
	}
}

// goOn delivers a part of what was left over; the rest of it comes in the turns
// that follow.
func (p *Process) goOn() {
	r := &p.rests
	r.posted = false
	for range min(r.due, maxRests) {
		c := r.waiting[0]
		r.waiting = slices.Delete(r.waiting, 0, 1)
		c.goOn()
	}
	p.postRests()
}

// goOn ends a rest. Who was closed has nothing left; who has paused meanwhile
// goes on with ResumeRecv.
func (c *Connection) goOn() {
	if c.flags&resting == 0 {
		return
	}
	c.flags &^= resting
	if Status(c.status) != Established || c.held() {
		return
	}
	c.consumeHeld()
	if Status(c.status) == Established && c.flags&resting == 0 {
		c.attend() // reads again
	}
}

// dropBegun drops the message that the protocol has begun to decode: it is about
// to be switched, and nobody else knows what the bytes mean now.
func (c *Connection) dropBegun() {
	n := int(c.need)
	if n == 0 || n > c.in.size() {
		return
	}
	c.in.off += n
	if c.in.size() == 0 {
		c.dropIn()
	}
}
