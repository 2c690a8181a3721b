package worker

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"
)

// A client may ask for a large file, or a long answer, and read nothing. Where
// requests have to come in time (protocol.Patient) their answers have to be taken,
// too. Only connections of which the kernel has refused a part are in a list, which
// is looked through with that of patience.go.

var errStalled = errors.New("the peer takes nothing of its answer")

// slow is a connection with a backlog, or with a file that is being sent.
type slow struct {
	c       *Connection
	written uint64 // BytesWritten at the last look
	kept    int    // what the kernel had of it then
	looks   int    // in which the peer took nothing
}

// watchPeer is called when the kernel has refused a part of what is sent.
func (c *Connection) watchPeer() {
	w := c.Worker
	if c.codec.patient == nil || w == nil || c.flags&slowly != 0 {
		return
	}
	if interval, most := w.looks(); most > 0 {
		c.flags |= slowly
		w.patience.slow = append(w.patience.slow, slow{c: c})
		w.lookEvery(interval)
	}
}

// lookSlow counts another look at those who are slow, and finds who is too slow.
func (p *patience) lookSlow(most int) {
	p.slow = slices.DeleteFunc(p.slow, func(s slow) bool { return !s.c.slowStill() })
	for i := range p.slow {
		s := &p.slow[i]
		if s.look(); s.looks > most {
			p.stalled = append(p.stalled, s.c)
		}
	}
}

// cutStalled ends those who were given time enough.
func (p *patience) cutStalled() {
	for i, c := range p.stalled { // calls authors, who may do anything
		if p.stalled[i] = nil; c.slowStill() {
			c.explain(errStalled)
			c.destroy()
		}
	}
	p.stalled = p.stalled[:0]
}

// slowStill says that c belongs into the list; otherwise it may come again.
func (c *Connection) slowStill() bool {
	if Status(c.status) != Closed && c.codec.patient != nil && c.unsent() {
		return true
	}
	c.flags &^= slowly
	return false
}

// look counts a look at which neither the kernel has taken anything nor the peer
// anything of the kernel, whose buffer may be that of minutes for a slow line.
func (s *slow) look() {
	c := s.c
	kept, err := unix.IoctlGetInt(int(c.fd), unix.SIOCOUTQ)
	goesOn := s.looks == 0 || c.BytesWritten != s.written || err == nil && kept < s.kept
	if s.looks++; goesOn || c.flags&(blocked|awaiting) != blocked { // it waits for us
		s.looks = 1
	}
	s.written, s.kept = c.BytesWritten, kept
}
