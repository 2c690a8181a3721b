package worker

import "time"

const (
	// listSlice is how long the loop may be kept from its clients by a list.
	listSlice = 10 * time.Millisecond
	listRows  = 256
)

// ConnectionInfo is one row of the connections command.
type ConnectionInfo struct {
	// Worker is who accepted it; nil for a dialled one.
	Worker              *Worker
	ID                  uint64
	Transport, Protocol string
	IPv4, IPv6          bool
	RecvQ, SendQ        int
	BytesR, BytesW      uint64
	Status              string
	Local, Foreign      string
}

// List gives yield all connections in slices, each made within 10 ms, and goes
// on in later turns; the last call has a nil slice. It ends early when yield
// returns false. What connects or closes meanwhile may be in it or not.
func (p *Process) List(yield func([]ConnectionInfo) bool) {
	l := &lister{p: p, yield: yield}
	l.run()
}

// lister is a list in the making. It remembers ids, because places move.
type lister struct {
	p     *Process
	yield func([]ConnectionInfo) bool
	set   int    // index in sets
	next  uint64 // the first id not yet given
}

func (l *lister) run() {
	end := time.Now().Add(listSlice)
	for time.Now().Before(end) {
		rows := l.rows()
		if rows == nil {
			l.yield(nil)
			return
		}
		if !l.yield(rows) {
			return
		}
	}
	l.p.loop.Post(l.run)
}

// rows makes the next rows; nil at the end.
func (l *lister) rows() []ConnectionInfo {
	for ; l.set <= len(l.p.workers); l.set++ {
		var rows []ConnectionInfo
		set, owner := &l.p.dialled, (*Worker)(nil)
		if l.set < len(l.p.workers) {
			owner = l.p.workers[l.set]
			set = &owner.conns
		}
		for i := set.from(l.next); i < len(set.list) && len(rows) < listRows; i++ {
			if c := set.list[i]; c != nil {
				rows = append(rows, c.info())
				rows[len(rows)-1].Worker = owner
				l.next = set.ids[i] + 1
			}
		}
		if rows != nil {
			return rows
		}
		l.next = 0
	}
	return nil
}

func (c *Connection) info() ConnectionInfo {
	c.refresh()
	info := ConnectionInfo{
		ID: c.ID, Transport: c.Transport(), Protocol: c.codec.name,
		IPv4: c.IsIPv4(), IPv6: c.IsIPv6(),
		RecvQ: c.in.size(), SendQ: c.waiting(),
		BytesR: c.BytesRead, BytesW: c.BytesWritten,
		Status: c.Status().String(), Foreign: c.RemoteAddr().String(),
	}
	if s := c.handedConn(); s != nil && Status(c.status) == Established {
		info.Status = s.status()
	}
	if info.Protocol == "" {
		info.Protocol = info.Transport
	}
	if addr := c.LocalAddr(); addr != nil {
		info.Local = addr.String()
	}
	return info
}
