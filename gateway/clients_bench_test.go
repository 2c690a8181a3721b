package gateway

import (
	"fmt"
	"testing"

	"github.com/workerman-go/wm/gateway/wire"
)

// clientsBench has clients with a uid of their own, and ten of them to a group.
func clientsBench(clients int) *process {
	p := &process{}
	for i := range clients {
		c := p.clients.add(nil)
		p.clients.bind(c, fmt.Appendf(nil, "uid%d", i))
		p.clients.join(c, fmt.Appendf(nil, "group%d", i/10))
	}
	return p
}

// What is about one client, uid or group costs the same however many there are.
func BenchmarkExecute(b *testing.B) {
	for _, clients := range []int{1000, 100000} {
		p := clientsBench(clients)
		c := p.clients.all.first
		for _, bench := range []struct {
			name string
			pk   wire.Packet
		}{
			{"online", wire.Packet{Command: wire.IsOnline, ConnectionID: c.id}},
			{"bind", wire.Packet{Command: wire.BindUID, ConnectionID: c.id, Ext: []byte("uid0")}},
			{"join", wire.Packet{Command: wire.JoinGroup, ConnectionID: c.id, Ext: []byte("group0")}},
			{"idsOfUID", wire.Packet{Command: wire.GetClientIDByUID, Ext: []byte("uid500")}},
			{"countOfGroup", wire.Packet{Command: wire.GetClientCountByGroup, Ext: []byte("group50")}},
			{"uidNobodyHas", wire.Packet{
				Command: wire.SendToUID, Flag: wire.Scalar, Ext: []byte(`["nobody"]`),
			}},
		} {
			b.Run(fmt.Sprintf("%s/%dclients", bench.name, clients), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := p.execute(bench.pk, func([]byte) {}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkConnectAndClose(b *testing.B) {
	for _, clients := range []int{1000, 100000} {
		t := &clientsBench(clients).clients
		b.Run(fmt.Sprintf("%dclients", clients), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c := t.add(nil)
				t.bind(c, []byte("uid"))
				t.join(c, []byte("a"))
				t.join(c, []byte("b"))
				t.remove(c)
			}
		})
	}
}

func BenchmarkSelectAll(b *testing.B) {
	p := clientsBench(15000)
	pk := wire.Packet{Command: wire.Select,
		Ext: []byte(`{"fields":["uid","groups","session"],"where":[]}`)}
	b.ReportAllocs()
	for b.Loop() {
		_ = p.execute(pk, func(value []byte) { b.SetBytes(int64(len(value))) })
	}
}
