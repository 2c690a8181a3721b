package wire

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func isErr(err, want error) bool { return errors.Is(err, want) }

type example struct {
	name  string
	frame []byte
}

// examples are the packets of examples.hex.
func examples(t testing.TB) []example {
	t.Helper()
	b, err := os.ReadFile("../../testdata/gateway/examples.hex")
	if err != nil {
		t.Fatal(err)
	}
	var all []example
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == ' ':
			e := &all[len(all)-1]
			e.frame = append(e.frame, unhex(t, strings.ReplaceAll(line, " ", ""))...)
		default:
			all = append(all, example{name: line})
		}
	}
	return all
}

// event is a packet of the Gateway of the examples, about its client.
func event(what Command, ext, body string) Packet {
	return Packet{
		Command: what, Flag: Scalar, LocalIP: 0x7f000001, LocalPort: 2900,
		ClientIP: 0x0a000007, ClientPort: 54321, ConnectionID: 1, GatewayPort: 7272,
		Ext: []byte(ext), Body: []byte(body),
	}
}

// to is a packet for a Gateway.
func to(what Command, cid uint32, ext, body string) Packet {
	return Packet{
		Command: what, Flag: Scalar, ConnectionID: cid, Ext: []byte(ext), Body: []byte(body),
	}
}

func (p Packet) flagged(flag Flag) Packet {
	p.Flag = flag
	return p
}

const (
	al     = `a:1:{s:4:"name";s:2:"Al";}`
	alAndN = `a:2:{s:4:"name";s:2:"Al";s:1:"n";i:1;}`
	a1     = `a:1:{s:1:"a";i:1;}`
	shook  = `a:3:{s:3:"get";a:0:{}s:6:"server";a:1:{s:12:"QUERY_STRING";s:0:"";}` +
		`s:6:"cookie";a:0:{}}`
)

// exampled are the examples, made of what this package builds them with.
func exampled(t *testing.T) map[string]Packet {
	must := func(b []byte, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	worker := func(secret string) string {
		return string(WorkerHello{Key: "BW:0", Secret: secret}.Append(nil))
	}
	choose := func(fields []string, where ...Where) Packet {
		return to(Select, 0, must(Selection{Fields: fields, Where: where}.Append(nil)), "")
	}
	room := ToGroup{Groups: []string{"room1"}}
	roomBut := ToGroup{Groups: []string{"room1"}, Exclude: []uint32{5}}
	some := string(ToAll{Only: true, Connections: []uint32{1, 5}}.Append(nil))
	everybody := string(ToAll{}.Append(nil))
	but := string(ToAll{Exclude: []uint32{5}}.Append(nil))
	return map[string]Packet{
		`WORKER_CONNECT with secret`: to(WorkerConnect, 0, "", worker("s3")),
		`WORKER_CONNECT`:             to(WorkerConnect, 0, "", worker("")),
		`GATEWAY_CLIENT_CONNECT`: to(GatewayClientConnect, 0, "",
			string(ClientHello{Secret: "s3"}.Append(nil))),
		`ON_CONNECT, no session`:                      event(OnConnect, "", ""),
		`ON_MESSAGE 'hello', no session`:              event(OnMessage, "", "hello"),
		`ON_MESSAGE 'hello', session ['name'=>'Al']`:  event(OnMessage, al, "hello"),
		`ON_MESSAGE array ['a'=>1] (custom protocol)`: event(OnMessage, "", a1).flagged(0),
		`ON_CLOSE`:                  event(OnClose, "", ""),
		`ON_WEBSOCKET_CONNECT`:      event(OnWebSocketConnect, "", shook).flagged(0),
		`PING (gateway to worker)`:  to(Ping, 0, "", ""),
		`SEND_TO_ONE 'hi' to cid 1`: to(SendToOne, 1, "", "hi"),
		`SEND_TO_ONE 'hi' raw`:      to(SendToOne, 1, "", "hi").flagged(3),
		`SEND_TO_ALL 'hi'`:          to(SendToAll, 0, everybody, "hi"),
		`SEND_TO_ALL 'hi' ext {"connections":{"1":1,"5":5}}`: to(SendToAll, 0, some, "hi"),
		`SEND_TO_ALL 'hi' ext {"exclude":{"5":5}}`:           to(SendToAll, 0, but, "hi"),
		`SEND_TO_ALL array body ['a'=>1]`:                    to(SendToAll, 0, "", a1).flagged(0),
		`SEND_TO_GROUP 'hi' ext {"group":["room1"],"exclude":null}`: to(SendToGroup, 0,
			must(room.Append(nil)), "hi"),
		`SEND_TO_GROUP 'hi' ext {"group":["room1"],"exclude":{"5":5}}`: to(SendToGroup, 0,
			must(roomBut.Append(nil)), "hi"),
		// An int of the author: we have strings alone.
		`SEND_TO_UID 'hi' ext ["u1",42]`: to(SendToUID, 0, `["u1",42]`, "hi"),
		`KICK cid 1, no message (null)`:  to(Kick, 1, "", "N;").flagged(0),
		`KICK cid 1, 'bye'`:              to(Kick, 1, "", "bye"),
		`DESTROY cid 1`:                  to(Destroy, 1, "", ""),
		`BIND_UID cid 1 'u1'`:            to(BindUID, 1, "u1", ""),
		`JOIN_GROUP cid 1 'room1'`:       to(JoinGroup, 1, "room1", ""),
		`IS_ONLINE cid 1`:                to(IsOnline, 1, "", ""),
		`GET_CLIENT_SESSIONS_BY_GROUP 'room1'`: to(GetClientSessionsByGroup, 0,
			"room1", ""),
		`UPDATE_SESSION cid 1 ['name'=>'Al','n'=>1]`:               to(UpdateSession, 1, alAndN, ""),
		`SET_SESSION cid 1 ['name'=>'Al']`:                         to(SetSession, 1, al, ""),
		`GET_SESSION_BY_CLIENT_ID cid 1`:                           to(GetSessionByClientID, 1, "", ""),
		`SELECT all, field uid: ext {"fields":["uid"],"where":[]}`: choose([]string{"uid"}),
		`SELECT {"fields":["uid","groups"],"where":{"groups":["room1"]}}`: choose(
			[]string{"uid", "groups"}, Where{"groups", []string{"room1"}}),
		`SELECT by client id: ext {"fields":["uid"],"where":{"connection_id":{"1":1}}}`: choose(
			[]string{"uid"}, Where{"connection_id", []string{"1"}}),
		`GET_CLIENT_COUNT_BY_GROUP, everybody`: to(GetClientCountByGroup, 0, "", ""),
		`GET_GROUP_ID_LIST`:                    to(GetGroupIDList, 0, "", ""),
		`GET_CLIENT_ID_BY_UID 'u1'`:            to(GetClientIDByUID, 0, "u1", ""),
		`BATCH_GET_CLIENT_ID_BY_UID ["u1","42"]`: to(BatchGetClientIDByUID, 0,
			must(AppendStrings(nil, []string{"u1", "42"})), ""),
		`BATCH_GET_CLIENT_COUNT_BY_GROUP ["room1","7"]`: to(BatchGetClientCountByGroup, 0,
			must(AppendStrings(nil, []string{"room1", "7"})), ""),
	}
}

func TestExamplesOfPHPAreBuiltByteForByte(t *testing.T) {
	built := exampled(t)
	all := examples(t)
	if len(all) != len(built) {
		t.Errorf("%d examples, %d built", len(all), len(built))
	}
	for _, e := range all {
		p, ok := built[e.name]
		if !ok {
			t.Errorf("%s is not built", e.name)
			continue
		}
		if got := p.Append(nil); string(got) != string(e.frame) {
			t.Errorf("%s\nwrote %x\n want %x", e.name, got, e.frame)
		}
		if got, err := Parse(e.frame); err != nil || !samePacket(got, p) {
			t.Errorf("%s: read %+v, %v", e.name, got, err)
		}
	}
}

func TestAnswersHaveTheirLengthInFront(t *testing.T) {
	for value, want := range map[string]string{
		"i:1;":   "00000004693a313b",
		"N;":     "000000024e3b",
		"a:0:{}": "00000006613a303a7b7d",
	} {
		if got := AppendReply(nil, []byte(value)); string(got) != string(unhex(t, want)) {
			t.Errorf("%s: %x, want %s", value, got, want)
		}
	}
}
