package gateway

import (
	"slices"

	"github.com/workerman-go/wm/gateway/phpserialize"
)

// The model: what wire.md 2.5 to 2.9 says of a Gateway process, with slices that are
// looked through from the front. Its clients are real ones of a text Worker; what they
// get is compared at the end, every answer at once.

// modelClient is what the model knows of a client.
type modelClient struct {
	id      uint32
	uid     string   // "": none
	groups  []string // in order of joining
	grouped bool
	session string
	got     []string // messages
	gone    bool
}

// model is a Gateway process.
type model struct {
	all    []*modelClient            // in order of connecting
	uids   map[string][]*modelClient // in order of binding
	groups map[string][]*modelClient // in order of joining
	order  []string                  // of groups, as they appeared
}

func newModel() *model {
	return &model{uids: map[string][]*modelClient{}, groups: map[string][]*modelClient{}}
}

func (m *model) byID(id uint32) *modelClient {
	for _, c := range m.all {
		if c.id == id {
			return c
		}
	}
	return nil
}

// modelWithout is list without c.
func modelWithout[T comparable](list []T, c T) []T {
	if i := slices.Index(list, c); i >= 0 {
		return slices.Delete(slices.Clone(list), i, i+1)
	}
	return list
}

func (m *model) unbind(c *modelClient) {
	if m.uids[c.uid] = modelWithout(m.uids[c.uid], c); len(m.uids[c.uid]) == 0 {
		delete(m.uids, c.uid)
	}
	c.uid = ""
}

func (m *model) bind(c *modelClient, uid string) {
	m.unbind(c)
	c.uid = uid
	m.uids[uid] = append(m.uids[uid], c)
}

func (m *model) join(c *modelClient, group string) {
	c.grouped = true
	if slices.Contains(c.groups, group) {
		return
	}
	c.groups = append(c.groups, group)
	if len(m.groups[group]) == 0 {
		m.order = append(m.order, group)
	}
	m.groups[group] = append(m.groups[group], c)
}

func (m *model) leave(c *modelClient, group string) {
	c.groups = modelWithout(c.groups, group)
	if m.groups[group] = modelWithout(m.groups[group], c); len(m.groups[group]) == 0 {
		delete(m.groups, group)
		m.order = modelWithout(m.order, group)
	}
}

func (m *model) remove(c *modelClient) {
	for _, group := range slices.Clone(c.groups) {
		m.leave(c, group)
	}
	m.unbind(c)
	m.all = modelWithout(m.all, c)
	c.gone = true
}

// row is what SELECT says of a client.
func (c *modelClient) row(fields []string) *phpserialize.Array {
	row := phpserialize.NewArray()
	for _, field := range fields {
		row.Set(field, nil)
		switch {
		case field == "session":
			row.Set(field, c.session)
		case field == "uid" && c.uid != "":
			row.Set(field, c.uid)
		case field == "groups" && c.grouped:
			groups := phpserialize.NewArray()
			for _, group := range c.groups {
				groups.Set(group, group)
			}
			row.Set(field, groups)
		}
	}
	return row
}

// modelIDs is the list of the numbers of clients.
func modelIDs(list []*modelClient) *phpserialize.Array {
	ids := phpserialize.NewArray()
	for _, c := range list {
		ids.Append(int64(c.id))
	}
	return ids
}

func modelSessions(list []*modelClient) *phpserialize.Array {
	sessions := phpserialize.NewArray()
	for _, c := range list {
		sessions.SetInt(int64(c.id), c.session)
	}
	return sessions
}
