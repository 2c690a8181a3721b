package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

// clientsService is a process whose clients are those of Workers.
type clientsService struct {
	*wmtest.Service
	t     *testing.T
	p     *process
	names []string
}

// clientsServe runs Workers named by their addresses.
func clientsServe(
	t *testing.T, configure func(w *worker.Worker), addresses ...string,
) *clientsService {
	t.Helper()
	s := &clientsService{t: t, p: &process{}, names: addresses}
	s.Service = wmtest.Run(t, func() {
		for _, name := range addresses {
			w := worker.New(name + "://127.0.0.1:0")
			w.Name = name
			w.OnConnect = func(c *worker.Connection) { c.Data = s.p.clients.add(c) }
			w.OnMessage = func(c *worker.Connection, _ []byte) { c.Data.(*client).heard() }
			w.OnClose = func(c *worker.Connection) { s.p.clients.remove(c.Data.(*client)) }
			if configure != nil {
				configure(w)
			}
		}
	})
	return s
}

// dial returns a client that is in the tables, and its number.
func (s *clientsService) dial(name string) (*wmtest.Client, uint32) {
	s.t.Helper()
	c := s.Dial(name)
	return c, s.newest()
}

// newest is the number of the client that connected last.
func (s *clientsService) newest() (id uint32) {
	s.t.Helper()
	s.Do(s.names[0], func(*worker.Worker) { id = s.p.clients.all.last.id })
	return id
}

// execute has packets executed in one turn, each in memory that is overwritten
// afterwards, and returns their errors.
func (s *clientsService) execute(packets ...wire.Packet) (errs []error) {
	s.t.Helper()
	s.Do(s.names[0], func(*worker.Worker) {
		for _, pk := range packets {
			pk.Ext, pk.Body = bytes.Clone(pk.Ext), bytes.Clone(pk.Body)
			errs = append(errs, s.p.execute(pk, func([]byte) {}))
			clear(pk.Ext)
			clear(pk.Body)
		}
	})
	return errs
}

// must is execute without errors.
func (s *clientsService) must(packets ...wire.Packet) {
	s.t.Helper()
	for i, err := range s.execute(packets...) {
		if err != nil {
			s.t.Errorf("command %d: %v", packets[i].Command, err)
		}
	}
}

func clientsSay(body string) wire.Packet {
	return wire.Packet{Command: wire.SendToAll, Flag: wire.Scalar, Body: []byte(body)}
}

func clientsSayValue(serialized string) wire.Packet {
	return wire.Packet{Command: wire.SendToAll, Body: []byte(serialized)}
}

// clientsSocket is a client that speaks for itself.
func clientsSocket(t *testing.T, s *clientsService, name string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	s.newest() // it is in the tables
	return conn
}

func TestKick(t *testing.T) {
	tests := []struct {
		name string
		flag wire.Flag
		body string
		want []string // of a websocket
		fine bool
	}{
		{"null", 0, "N;", nil, true},
		{"message", wire.Scalar, "bye", []string{"bye"}, true},
		{"empty message", wire.Scalar, "", []string{""}, true},
		{"message that claims to be raw", wire.Scalar | wire.Raw, "bye", []string{"bye"}, true},
		{"array", 0, `a:1:{i:0;i:1;}`, []string{"[1]"}, true},
	}
	s := clientsServe(t, nil, "websocket", "text")
	for _, tt := range tests {
		for _, name := range s.names {
			c, id := s.dial(name)
			kick := wire.Packet{
				Command: wire.Kick, Flag: tt.flag, ConnectionID: id, Body: []byte(tt.body),
			}
			errs := s.execute(kick, kick)
			if name == "websocket" || tt.name != "array" {
				for _, want := range tt.want {
					c.Expect(want)
				}
				if errs[0] != nil {
					t.Errorf("%s: %v", tt.name, errs[0])
				}
			} else if errs[0] == nil {
				t.Error("an array for a text client is no error")
			}
			c.ExpectClose()
		}
	}
	c, id := s.dial("text")
	bad := wire.Packet{Command: wire.Kick, ConnectionID: id, Body: []byte("a:1:{")}
	if errs := s.execute(bad, clientsSay("still here")); errs[0] == nil {
		t.Error("a farewell that cannot be read is no error")
	}
	c.Expect("still here")
}

func TestDestroyForgetsTheClientAtOnce(t *testing.T) {
	s := clientsServe(t, nil, "text")
	c, id := s.dial("text")
	s.Do("text", func(*worker.Worker) {
		commandsDo(t, s.p, wire.Destroy, id, "")
		commandsDo(t, s.p, wire.Destroy, id, "")
		online := wire.Packet{Command: wire.IsOnline, ConnectionID: id}
		if got := questionsAsk(t, s.p, online); got != "i:0;" {
			t.Errorf("online: %s", got)
		}
	})
	c.ExpectClose()
}

func TestSendCommandsPickTheirClients(t *testing.T) {
	s := clientsServe(t, nil, "text")
	var all []*wmtest.Client
	var ids []uint32
	for range 4 {
		c, id := s.dial("text")
		all, ids = append(all, c), append(ids, id)
	}
	do := func(command wire.Command, i int, ext string) wire.Packet {
		return wire.Packet{Command: command, ConnectionID: ids[i], Ext: []byte(ext)}
	}
	s.must(do(wire.BindUID, 0, "u"), do(wire.BindUID, 1, "u"), do(wire.BindUID, 2, "5"),
		do(wire.JoinGroup, 0, "a"), do(wire.JoinGroup, 0, "7"), do(wire.JoinGroup, 3, "7"))
	id := func(i int) string { return fmt.Sprintf(`"%d":%[1]d`, ids[i]) }
	tests := []struct {
		command wire.Command
		ext     string
		want    []int // times that each client gets it
	}{
		{wire.SendToAll, ``, []int{1, 1, 1, 1}},
		{wire.SendToAll, `{"connections":{` + id(1) + `,` + id(3) + `}}`, []int{0, 1, 0, 1}},
		{wire.SendToAll, fmt.Sprintf(`{"connections":[%d,99]}`, ids[2]), []int{0, 0, 1, 0}},
		{wire.SendToAll, `{"connections":[]}`, []int{0, 0, 0, 0}},
		{wire.SendToAll, `{"connections":{}}`, []int{0, 0, 0, 0}},
		{wire.SendToAll, `{"exclude":{` + id(0) + `}}`, []int{0, 1, 1, 1}},
		{wire.SendToUID, `["u"]`, []int{1, 1, 0, 0}},
		{wire.SendToUID, `["u",5,"u","nobody"]`, []int{2, 2, 1, 0}},
		{wire.SendToUID, `[]`, []int{0, 0, 0, 0}},
		{wire.SendToGroup, `{"group":["a"],"exclude":null}`, []int{1, 0, 0, 0}},
		{wire.SendToGroup, `{"group":["a",7],"exclude":null}`, []int{2, 0, 0, 1}},
		{wire.SendToGroup, `{"group":["7"],"exclude":{` + id(0) + `}}`, []int{0, 0, 0, 1}},
	}
	for i, tt := range tests {
		body := fmt.Sprint("message ", i)
		s.must(wire.Packet{
			Command: tt.command, Flag: wire.Scalar, Ext: []byte(tt.ext), Body: []byte(body),
		}, clientsSay("end"))
		for j, c := range all {
			for range tt.want[j] {
				c.Expect(body)
			}
			c.Expect("end")
		}
	}
}

// A message for a few never becomes one for everybody.
func TestExtDataThatCannotBeReadSendsNothing(t *testing.T) {
	s := clientsServe(t, nil, "text")
	c, _ := s.dial("text")
	exts := []string{"{", "0", "null", `{"connections":`, `"u"`, "\xff", `{"conections":{}}`}
	for _, command := range []wire.Command{wire.SendToAll, wire.SendToUID, wire.SendToGroup} {
		for _, ext := range exts {
			pk := clientsSay("lost")
			pk.Command, pk.Ext = command, []byte(ext)
			if errs := s.execute(pk); errs[0] == nil {
				t.Errorf("command %d with %q is no error", command, ext)
			}
		}
	}
	s.must(clientsSay("end"))
	c.Expect("end")
}

func TestCommandsForNobody(t *testing.T) {
	s := clientsServe(t, nil, "text")
	c, id := s.dial("text")
	for command := range 256 {
		pk := wire.Packet{
			Command: wire.Command(command), Flag: wire.Scalar, ConnectionID: id + 1, Ext: []byte("x"),
		}
		known := command < len(commands) && commands[command] != nil ||
			command < len(questions) && questions[command] != nil
		reads := []wire.Command{wire.SendToAll, wire.SendToUID, wire.SendToGroup, wire.Select,
			wire.BatchGetClientCountByGroup, wire.BatchGetClientIDByUID}
		if slices.Contains(reads, pk.Command) {
			continue
		}
		if errs := s.execute(pk); (errs[0] == nil) != known {
			t.Errorf("command %d: %v", command, errs[0])
		}
	}
	s.must(clientsSay("end"))
	c.Expect("end")
}

func TestASessionStaysWithinWhatAPacketCarries(t *testing.T) {
	p := clientsNumbered(1)
	half := strings.Repeat("x", 6<<20)
	first, more := ser("a", half), ser("b", half)
	commandsDo(t, p, wire.SetSession, 1, first)
	for command, ext := range map[wire.Command]string{
		wire.UpdateSession: more, wire.SetSession: strings.Repeat(" ", maxSession+1),
	} {
		pk := wire.Packet{Command: command, ConnectionID: 1, Ext: []byte(ext)}
		if err := p.execute(pk, nil); !errors.Is(err, errSession) {
			t.Errorf("command %d: %v, want %v", command, err, errSession)
		}
	}
	if got := p.clients.byID(1).session; got != first {
		t.Errorf("the session has %d bytes, want the %d of before", len(got), len(first))
	}
}
