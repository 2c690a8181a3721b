package gateway

import (
	"testing"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
)

// FuzzExecute has packets executed by a process with three clients that have no
// sockets: those that would write to them are for nobody. Each question gets one
// answer that PHP can read, and nothing else gets any.
func FuzzExecute(f *testing.F) {
	seed := func(command wire.Command, id uint32, ext, body string) {
		f.Add(uint8(command), id, []byte(ext), []byte(body))
	}
	seed(wire.Select, 1, `{"fields":["uid"],"where":{"groups":["7"]}}`, "")
	seed(wire.SendToGroup, 0, `{"group":["7"],"exclude":{"1":1}}`, "N;")
	seed(wire.SendToAll, 0, `{"connections":[9]}`, "a:0:{}")
	seed(wire.UpdateSession, 2, `a:1:{s:1:"a";i:1;}`, "")
	seed(wire.BatchGetClientIDByUID, 0, `["u",7,"u"]`, "")
	f.Fuzz(func(t *testing.T, command uint8, id uint32, ext, body []byte) {
		p := clientsNumbered(1, 2, 3)
		commandsDo(t, p, wire.JoinGroup, 1, "a")
		commandsDo(t, p, wire.BindUID, 2, "b")
		pk := wire.Packet{
			Command: wire.Command(command), Flag: wire.Flag(id >> 24), ConnectionID: id,
			Ext: ext, Body: body,
		}
		switch pk.Command {
		case wire.SendToOne, wire.SendToAll, wire.SendToUID, wire.SendToGroup, wire.Kick, wire.Destroy:
			p = &process{}
		}
		answers := 0
		_ = p.execute(pk, func(value []byte) {
			answers++
			if pk.Command == wire.GetSessionByClientID {
				return
			}
			if _, err := phpserialize.Unmarshal(value); err != nil {
				t.Errorf("answer %q: %v", value, err)
			}
		})
		want := 0
		if int(command) < len(questions) && questions[command] != nil {
			want = 1
		}
		if answers != want {
			t.Errorf("%d answers, want %d", answers, want)
		}
		for c := range p.clients.each() {
			p.clients.remove(c)
		}
		if n := len(p.clients.uids) + len(p.clients.groups) + p.clients.listed.n; n != 0 {
			t.Errorf("%d uids and groups outlived their clients", n)
		}
	})
}
