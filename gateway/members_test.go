package gateway

import (
	"testing"

	"github.com/workerman-go/wm/gateway/wire"
)

func TestUIDMovesToTheLastBinding(t *testing.T) {
	var table clients
	table.begin(0)
	a, b, c := table.add(nil), table.add(nil), table.add(nil)
	for _, one := range []*client{a, b, c} {
		table.bind(one, []byte("u"))
	}
	table.bind(a, []byte("u")) // again: it is the last now, and there once
	if got := clientsNumbers(table.uids["u"].each()); got != "2 3 1" {
		t.Errorf("clients of u: %s", got)
	}
	table.bind(b, []byte("v"))
	if got := clientsNumbers(table.uids["u"].each()); got != "3 1" {
		t.Errorf("clients of u after one has moved: %s", got)
	}
	table.unbind(c)
	table.unbind(c)
	table.remove(a)
	if _, there := table.uids["u"]; there || len(table.uids) != 1 {
		t.Error("a uid outlived its clients")
	}
}

func TestGroupsKeepTheirOrder(t *testing.T) {
	var table clients
	table.begin(0)
	a, b := table.add(nil), table.add(nil)
	for _, group := range []string{"x", "y", "x"} {
		table.join(a, []byte(group))
	}
	table.join(b, []byte("x"))
	table.leave(a, []byte("y"))
	table.join(a, []byte("y"))
	table.join(a, []byte("x")) // keeps its place
	if got := clientsNumbers(table.groups["x"].each()); got != "1 2" {
		t.Errorf("x has %s", got)
	}
	table.leave(b, []byte("nobody's"))
	table.ungroup([]byte("nobody's"))
	table.ungroup([]byte("x"))
	if a.groups.n != 1 || b.groups.n != 0 || !b.grouped || len(table.groups) != 1 {
		t.Errorf("after ungroup: %d and %d groups", a.groups.n, b.groups.n)
	}
}

// PHP prints an exception and goes on; peers that do not check are ignored here too.
func TestNamesThatPHPCallsEmptyAreIgnored(t *testing.T) {
	s := linkServe(t, nil)
	l := s.link("BW:0")
	s.Dial("Gateway")
	id := l.expect(wire.OnConnect, "").ConnectionID
	for _, command := range []wire.Command{wire.BindUID, wire.JoinGroup, wire.LeaveGroup} {
		for _, name := range []string{"", "0"} {
			l.send(wire.Packet{Command: command, ConnectionID: id, Ext: []byte(name)})
		}
	}
	l.ask(id)
	s.do(func(p *process) {
		if len(p.clients.uids) != 0 || len(p.clients.groups) != 0 {
			t.Errorf("%d uids, %d groups", len(p.clients.uids), len(p.clients.groups))
		}
	})
	s.ExpectLog(errName.Error())
}
