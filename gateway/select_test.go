package gateway

import (
	"fmt"
	"testing"

	"github.com/workerman-go/wm/gateway/wire"
)

func TestSelect(t *testing.T) {
	p := clientsNumbered(1, 2, 3, 4)
	for _, id := range []uint32{2, 1} {
		commandsDo(t, p, wire.JoinGroup, id, "room1")
	}
	commandsDo(t, p, wire.JoinGroup, 1, "7")
	commandsDo(t, p, wire.JoinGroup, 3, "7")
	commandsDo(t, p, wire.LeaveGroup, 3, "7")
	commandsDo(t, p, wire.BindUID, 1, "u1")
	commandsDo(t, p, wire.BindUID, 3, "5")
	commandsDo(t, p, wire.BindUID, 4, "u1")
	commandsDo(t, p, wire.UnbindUID, 4, "whatever")
	tests := []struct{ name, fields, where, want string }{
		{"everybody", `["uid"]`, `[]`, `a:4:{i:1;a:1:{s:3:"uid";s:2:"u1";}` +
			`i:2;a:1:{s:3:"uid";N;}i:3;a:1:{s:3:"uid";s:1:"5";}i:4;a:1:{s:3:"uid";N;}}`},
		{"everybody, no fields", `[]`, `[]`, `a:0:{}`},
		{"no fields", `[]`, `{"groups":["7"]}`, `a:1:{i:1;a:0:{}}`},
		{"groups, in order of joining", `["groups"]`, `{"groups":["room1"]}`,
			`a:2:{i:2;a:1:{s:6:"groups";a:1:{s:5:"room1";s:5:"room1";}}` +
				`i:1;a:1:{s:6:"groups";a:2:{s:5:"room1";s:5:"room1";i:7;s:1:"7";}}}`},
		{"groups of who has left and who never was in any", `["groups"]`,
			`{"connection_id":{"3":3,"4":4}}`,
			`a:2:{i:3;a:1:{s:6:"groups";a:0:{}}i:4;a:1:{s:6:"groups";N;}}`},
		{"several conditions are a union", `["uid"]`,
			`{"uid":["5","u1"],"groups":[7,"room1"],"connection_id":[1,2]}`,
			`a:3:{i:3;a:1:{s:3:"uid";s:1:"5";}i:1;a:1:{s:3:"uid";s:2:"u1";}` +
				`i:2;a:1:{s:3:"uid";N;}}`},
		{"conditions nobody knows", `["uid"]`, `{"colour":["red"]}`, `a:0:{}`},
		{"numbers nobody has", `["uid"]`, `{"connection_id":[99]}`, `a:0:{}`},
		{"conditions without values", `["uid"]`, `{"groups":[]}`, `a:0:{}`},
		{"fields nobody knows", `["colour","12","session"]`, `{"connection_id":[2]}`,
			`a:1:{i:2;a:3:{s:6:"colour";N;i:12;N;s:7:"session";s:0:"";}}`},
		{"a field twice", `["uid","uid"]`, `{"connection_id":[2]}`, `a:1:{i:2;a:1:{s:3:"uid";N;}}`},
	}
	for _, tt := range tests {
		ext := fmt.Sprintf(`{"fields":%s,"where":%s}`, tt.fields, tt.where)
		got := questionsAsk(t, p, wire.Packet{Command: wire.Select, Ext: []byte(ext)})
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestSelectionOfTooManyFields(t *testing.T) {
	p := clientsNumbered(1)
	s := wire.Selection{}
	for i := range maxFields + 1 {
		s.Fields = append(s.Fields, fmt.Sprint("field", i))
	}
	ext, err := s.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	answer := ""
	err = p.execute(wire.Packet{Command: wire.Select, Ext: ext}, func(value []byte) {
		answer = string(value)
	})
	if err == nil || answer != "a:0:{}" {
		t.Errorf("answered %.50s, error %v", answer, err)
	}
}
