package gateway

import "iter"

// members are the clients of one uid or of one group, in the order in which they
// came. There are none without clients: they vanish with the last.
type members struct {
	name string
	list chain[membership]
	hook hook[members] // in clients.listed; not for uids
}

func (s *members) inListed() *hook[members] { return &s.hook }

// each yields the clients. Any of them may leave meanwhile.
func (s *members) each() iter.Seq[*client] {
	return func(yield func(*client) bool) {
		if s == nil {
			return
		}
		for m := range s.list.each((*membership).inMembers) {
			if !yield(m.client) {
				return
			}
		}
	}
}

// len is how many there are; of nil there are none.
func (s *members) len() int {
	if s == nil {
		return 0
	}
	return s.list.n
}

// membership is one client in one group, or at its uid.
type membership struct {
	client *client
	set    *members
	others hook[membership] // in members.list
	mine   hook[membership] // in client.groups; not for uids
}

func (m *membership) inMembers() *hook[membership] { return &m.others }
func (m *membership) inClient() *hook[membership]  { return &m.mine }

// admit puts c at the end of s.
func (s *members) admit(c *client) *membership {
	m := &membership{client: c, set: s}
	s.list.push(m, (*membership).inMembers)
	return m
}

// named returns the members of a name in table; nil: there are none.
func named(table map[string]*members, name []byte) *members { return table[string(name)] }

// bind makes uid that of c, in place of the one before. A uid that c had already
// is bound anew: c is then the last of its clients, as in PHP.
func (t *clients) bind(c *client, uid []byte) {
	t.unbind(c)
	s := named(t.uids, uid)
	if s == nil {
		s = &members{name: string(uid)}
		t.uids[s.name] = s
	}
	c.uid = s.admit(c)
}

// unbind takes away the uid of c, whatever it is.
func (t *clients) unbind(c *client) {
	m := c.uid
	if m == nil {
		return
	}
	c.uid = nil
	if m.set.list.cut(m, (*membership).inMembers); m.set.len() == 0 {
		delete(t.uids, m.set.name)
	}
}

// join puts c into a group, at its end; who is in it keeps its place.
func (t *clients) join(c *client, group []byte) {
	c.grouped = true
	s := named(t.groups, group)
	if s == nil {
		s = &members{name: string(group)}
		t.groups[s.name] = s
		t.listed.push(s, (*members).inListed)
	}
	if c.in(s) == nil {
		c.enter(s.admit(c))
	}
}

// leave takes c out of a group.
func (t *clients) leave(c *client, group []byte) {
	if s := named(t.groups, group); s != nil {
		if m := c.in(s); m != nil {
			t.quit(m)
		}
	}
}

// ungroup takes all clients out of a group.
func (t *clients) ungroup(group []byte) {
	s := named(t.groups, group)
	for s.len() > 0 {
		t.quit(s.list.first)
	}
}

// quit ends a client's membership in a group.
func (t *clients) quit(m *membership) {
	c, s := m.client, m.set
	c.groups.cut(m, (*membership).inClient)
	delete(c.index, s)
	if s.list.cut(m, (*membership).inMembers); s.len() == 0 {
		delete(t.groups, s.name)
		t.listed.cut(s, (*members).inListed)
	}
}

// fewGroups is up to how many groups of a client are looked through one by one.
const fewGroups = 16

// enter notes a new membership of c.
func (c *client) enter(m *membership) {
	c.groups.push(m, (*membership).inClient)
	switch {
	case c.index != nil:
		c.index[m.set] = m
	case c.groups.n > fewGroups:
		c.index = make(map[*members]*membership, c.groups.n)
		for m := range c.groups.each((*membership).inClient) {
			c.index[m.set] = m
		}
	}
}

// in returns the membership of c in a group; nil: it is not in it.
func (c *client) in(s *members) *membership {
	if c.index != nil {
		return c.index[s]
	}
	for m := range c.groups.each((*membership).inClient) {
		if m.set == s {
			return m
		}
	}
	return nil
}
