package gateway

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/workerman-go/wm/gateway/wire"
)

// questionsAsk has a packet executed and returns the answer.
func questionsAsk(t *testing.T, p *process, pk wire.Packet) string {
	t.Helper()
	answers := 0
	var got string
	err := p.execute(pk, func(value []byte) {
		answers++
		got = string(value)
	})
	if err != nil || answers != 1 {
		t.Fatalf("command %d: %d answers, error %v", pk.Command, answers, err)
	}
	return got
}

// commandsDo has a packet executed that has no answer.
func commandsDo(t *testing.T, p *process, command wire.Command, id uint32, ext string) {
	t.Helper()
	pk := wire.Packet{Command: command, Flag: wire.Scalar, ConnectionID: id, Ext: []byte(ext)}
	err := p.execute(pk, func([]byte) { t.Errorf("command %d was answered", command) })
	if err != nil {
		t.Fatal(err)
	}
}

// clientsNumbered is a process with clients of these numbers that have no socket.
func clientsNumbered(numbers ...uint32) *process {
	p := &process{}
	for i, n := range numbers {
		if i == 0 {
			p.clients.begin(0)
		}
		p.clients.last = n - 1
		p.clients.add(nil)
	}
	return p
}

// questionsVectors are the answers that PHP's Gateway has given.
func questionsVectors(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../testdata/gateway/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Replies []struct{ Name, Hex string } `json:"query_replies"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	replies := map[string]string{}
	for _, r := range all.Replies {
		replies[r.Name] = r.Hex
	}
	return replies
}

func TestAnswersAreThoseOfPHP(t *testing.T) {
	const session = `a:1:{s:3:"uid";i:42;}`
	p := clientsNumbered(7, 9)
	commandsDo(t, p, wire.SetSession, 7, session)
	three := clientsNumbered(1, 2, 3)
	rooms := clientsNumbered(7, 8)
	commandsDo(t, rooms, wire.SetSession, 7, session)
	commandsDo(t, rooms, wire.BindUID, 7, "42")
	commandsDo(t, rooms, wire.JoinGroup, 7, "room1")
	members := clientsNumbered(7, 9)
	for _, id := range []uint32{7, 9} {
		commandsDo(t, members, wire.BindUID, id, "tim")
		commandsDo(t, members, wire.JoinGroup, id, "room1")
	}
	two := clientsNumbered(7)
	commandsDo(t, two, wire.JoinGroup, 7, "room1")
	commandsDo(t, two, wire.JoinGroup, 7, "room2")
	numeric := clientsNumbered(7)
	commandsDo(t, numeric, wire.JoinGroup, 7, "10")
	commandsDo(t, numeric, wire.JoinGroup, 7, "x")
	tests := []struct {
		name string
		p    *process
		pk   wire.Packet
	}{
		{"IS_ONLINE yes", p, wire.Packet{Command: wire.IsOnline, ConnectionID: 9}},
		{"IS_ONLINE no", p, wire.Packet{Command: wire.IsOnline, ConnectionID: 8}},
		{"count 3", three, wire.Packet{Command: wire.GetClientCountByGroup}},
		{"sessions", p, wire.Packet{Command: wire.GetAllClientSessions}},
		{"client ids", members, wire.Packet{Command: wire.GetClientIDByUID, Ext: []byte("tim")}},
		{"groups", two, wire.Packet{Command: wire.GetGroupIDList}},
		{"numeric groups", numeric, wire.Packet{Command: wire.GetGroupIDList}},
		{"select", rooms, wire.Packet{Command: wire.Select,
			Ext: []byte(`{"fields":["uid","groups","session"],"where":[]}`)}},
		{"batch ids", rooms, wire.Packet{Command: wire.BatchGetClientIDByUID,
			Ext: []byte(`["42","tom"]`)}},
		{"batch counts", members, wire.Packet{Command: wire.BatchGetClientCountByGroup,
			Ext: []byte(`["room1","room2"]`)}},
	}
	want := questionsVectors(t)
	for _, tt := range tests {
		value := questionsAsk(t, tt.p, tt.pk)
		got := hex.EncodeToString(wire.AppendReply(nil, []byte(value)))
		if got != want[tt.name] {
			t.Errorf("%s: answered %s (%s), want %s", tt.name, got, value, want[tt.name])
		}
		delete(want, tt.name)
	}
	if len(want) > 0 {
		t.Errorf("vectors without a test: %v", want)
	}
}

// The examples of wire.md 2.17, and what stands beside them.
func TestAnswersOfOneProcess(t *testing.T) {
	p := clientsNumbered(1, 2, 9)
	commandsDo(t, p, wire.SetSession, 1, `a:1:{s:4:"name";s:2:"Al";}`)
	commandsDo(t, p, wire.BindUID, 1, "u1")
	commandsDo(t, p, wire.BindUID, 9, "u1")
	commandsDo(t, p, wire.JoinGroup, 1, "room1")
	commandsDo(t, p, wire.JoinGroup, 1, "7")
	commandsDo(t, p, wire.JoinGroup, 2, "left")
	commandsDo(t, p, wire.LeaveGroup, 2, "left")
	commandsDo(t, p, wire.SetSession, 9, "0")
	tests := []struct {
		name    string
		command wire.Command
		id      uint32
		ext     string
		want    string
	}{
		{"sessions of a group", wire.GetClientSessionsByGroup, 0, "room1",
			`a:1:{i:1;s:26:"a:1:{s:4:"name";s:2:"Al";}";}`},
		{"sessions of no group", wire.GetClientSessionsByGroup, 0, "room9", `a:0:{}`},
		{"sessions of a group without a name", wire.GetClientSessionsByGroup, 0, "", `a:0:{}`},
		{"session", wire.GetSessionByClientID, 1, "", `a:1:{s:4:"name";s:2:"Al";}`},
		{"no session", wire.GetSessionByClientID, 2, "", `a:0:{}`},
		{"session 0", wire.GetSessionByClientID, 9, "", `a:0:{}`},
		{"session of nobody", wire.GetSessionByClientID, 3, "", `N;`},
		{"count of everybody", wire.GetClientCountByGroup, 0, "", `i:3;`},
		{"count of a group", wire.GetClientCountByGroup, 0, "7", `i:1;`},
		{"count of a group that is 0", wire.GetClientCountByGroup, 0, "0", `i:0;`},
		{"groups", wire.GetGroupIDList, 0, "", `a:2:{i:0;s:5:"room1";i:1;i:7;}`},
		{"ids of a uid", wire.GetClientIDByUID, 0, "u1", `a:2:{i:0;i:1;i:1;i:9;}`},
		{"ids of no uid", wire.GetClientIDByUID, 0, "", `a:0:{}`},
		{"batch of ids", wire.BatchGetClientIDByUID, 0, `["u1",42,"42"]`,
			`a:2:{s:2:"u1";a:2:{i:0;i:1;i:1;i:9;}i:42;a:0:{}}`},
		{"batch of counts", wire.BatchGetClientCountByGroup, 0, `["room1","7","07"]`,
			`a:3:{s:5:"room1";i:1;i:7;i:1;s:2:"07";i:0;}`},
		{"empty batch", wire.BatchGetClientCountByGroup, 0, `[]`, `a:0:{}`},
	}
	for _, tt := range tests {
		pk := wire.Packet{Command: tt.command, ConnectionID: tt.id, Ext: []byte(tt.ext)}
		if got := questionsAsk(t, p, pk); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// Nothing is in what a question gets that cannot be read, but it gets something:
// who has asked waits.
func TestQuestionsThatCannotBeReadAreAnswered(t *testing.T) {
	p := clientsNumbered(1, 2)
	for _, command := range []wire.Command{
		wire.Select, wire.BatchGetClientIDByUID, wire.BatchGetClientCountByGroup,
	} {
		for _, ext := range []string{"", "null", `"u"`, "5", "[", `{"fields":[`, "\xff"} {
			answers := 0
			pk := wire.Packet{Command: command, Ext: []byte(ext)}
			err := p.execute(pk, func(value []byte) {
				if answers++; string(value) != "a:0:{}" {
					t.Errorf("command %d, %q: %s", command, ext, value)
				}
			})
			if answers != 1 || err == nil {
				t.Errorf("command %d, %q: %d answers, error %v", command, ext, answers, err)
			}
		}
	}
}

func TestAQuestionInsideAnAnswer(t *testing.T) {
	p := clientsNumbered(1, 2, 3)
	outer := wire.Packet{Command: wire.GetAllClientSessions}
	for range 3 {
		err := p.execute(outer, func(value []byte) {
			before := string(value)
			inner := questionsAsk(t, p, wire.Packet{Command: wire.GetGroupIDList})
			if string(value) != before || inner != "a:0:{}" {
				t.Errorf("answer %s became %s", before, value)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnswersAboutManyClients(t *testing.T) {
	const many = 15000
	p := &process{}
	for range many {
		c := p.clients.add(nil)
		p.clients.join(c, []byte("all"))
		c.session = "s"
	}
	for _, pk := range []wire.Packet{
		{Command: wire.GetAllClientSessions},
		{Command: wire.GetClientSessionsByGroup, Ext: []byte("all")},
		{Command: wire.Select, Ext: []byte(`{"fields":["session"],"where":[]}`)},
		{Command: wire.Select, Ext: []byte(`{"fields":["session"],"where":{"groups":["all","all"]}}`)},
	} {
		got := questionsAsk(t, p, pk)
		if !strings.HasPrefix(got, "a:15000:{") || strings.Count(got, `s:1:"s";`) != many {
			t.Errorf("command %d: %d bytes, %.40s", pk.Command, len(got), got)
		}
	}
	if cap(p.clients.answers) > maxKeptAnswer {
		t.Errorf("%d bytes of an answer are kept", cap(p.clients.answers))
	}
}

// PHP's Gateway got the same packets in the same order.
func TestAnswersOfARecordedRunOfPHP(t *testing.T) {
	text, err := os.ReadFile("../testdata/gateway/trace.txt")
	if err != nil {
		t.Fatal(err)
	}
	p := clientsNumbered(1, 2, 3, 4, 5, 6)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i, line := range lines {
		var command wire.Command
		var id uint32
		var ext, want string
		if _, err := fmt.Sscanf(line, "%d %d %q %q", &command, &id, &ext, &want); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		got := "-"
		err := p.execute(wire.Packet{Command: command, ConnectionID: id, Ext: []byte(ext)},
			func(value []byte) { got = string(value) })
		if err != nil && !errors.Is(err, errName) {
			t.Errorf("line %d: %v", i+1, err)
		}
		if got != want {
			t.Fatalf("line %d, command %d, client %d, %q: %s, want %s",
				i+1, command, id, ext, got, want)
		}
	}
}

func TestAnswersHaveAnEnd(t *testing.T) {
	p := clientsNumbered(1)
	for range 14 {
		p.clients.add(nil)
	}
	session := strings.Repeat("s", 9<<20)
	for c := range p.clients.each() {
		c.session = session
		p.clients.join(c, []byte("room"))
	}
	for name, pk := range map[string]wire.Packet{
		"all sessions": {Command: wire.GetAllClientSessions},
		"of a group":   {Command: wire.GetClientSessionsByGroup, Ext: []byte("room")},
		"select": {
			Command: wire.Select, Ext: []byte(`{"fields":["session"],"where":[]}`),
		},
		"names that nobody knows": {
			Command: wire.Select, Ext: []byte(`{"fields":["` + session + `"],"where":[]}`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			err := p.execute(pk, func(value []byte) { got += string(value) })
			if got != "b:0;" || !errors.Is(err, errAnswer) {
				t.Errorf("an answer of %d bytes, %v", len(got), err)
			}
		})
	}
}
