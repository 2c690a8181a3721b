package gateway

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

// modelRun is a model beside a process that should do the same.
type modelRun struct {
	t       *testing.T
	rng     *rand.Rand
	s       *clientsService
	m       *model
	every   []*modelClient // those that are gone too
	sockets map[*modelClient]*wmtest.Client
	said    int
}

// execute runs a packet and returns the answer, if there is one.
func (r *modelRun) execute(command wire.Command, id uint32, ext, body string) string {
	answer := ""
	pk := wire.Packet{
		Command: command, Flag: wire.Scalar, ConnectionID: id, Ext: []byte(ext), Body: []byte(body),
	}
	if err := r.s.p.execute(pk, func(value []byte) { answer = string(value) }); err != nil {
		r.t.Fatalf("command %d, %q: %v", command, ext, err)
	}
	clear(pk.Ext)
	clear(pk.Body)
	return answer
}

// ask compares the answer to a question.
func (r *modelRun) ask(command wire.Command, id uint32, ext string, want any) {
	r.t.Helper()
	serialized, err := phpserialize.Marshal(want)
	if err != nil {
		r.t.Fatal(err)
	}
	if got := r.execute(command, id, ext, ""); got != string(serialized) {
		r.t.Fatalf("command %d, client %d, %q:\n%s, want\n%s", command, id, ext, got, serialized)
	}
}

// modelNames are the uids and groups: some are numbers to PHP.
var modelNames = []string{"a", "b", "room1", "7", "07", "-3", "12", "é", " 1", "1.5"}

func (r *modelRun) name() string { return modelNames[r.rng.IntN(len(modelNames))] }

// names is a JSON list of some names, and the names.
func (r *modelRun) names() (list []string, ext string) {
	for range r.rng.IntN(4) {
		list = append(list, r.name())
	}
	text, err := wire.AppendStrings(nil, list)
	if err != nil {
		r.t.Fatal(err)
	}
	return list, string(text)
}

// client is any client, now and then one that is gone or never was.
func (r *modelRun) client() (uint32, *modelClient) {
	if r.rng.IntN(10) == 0 {
		return r.rng.Uint32(), nil
	}
	c := r.every[r.rng.IntN(len(r.every))]
	return c.id, r.m.byID(c.id)
}

// some are ids of some clients.
func (r *modelRun) some() []uint32 {
	var ids []uint32
	for range r.rng.IntN(5) {
		if id, _ := r.client(); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// message is one that nobody else got.
func (r *modelRun) message() string {
	r.said++
	return fmt.Sprint("message ", r.said)
}

// change does one command that changes the tables.
func (r *modelRun) change() {
	id, c := r.client()
	name := r.name()
	m := r.m
	if c == nil { // nothing happens
		c, m = &modelClient{}, newModel()
	}
	switch r.rng.IntN(7) {
	case 0:
		r.execute(wire.BindUID, id, name, "")
		m.bind(c, name)
	case 1:
		r.execute(wire.UnbindUID, id, name, "")
		m.unbind(c)
	case 2, 3:
		r.execute(wire.JoinGroup, id, name, "")
		m.join(c, name)
	case 4:
		r.execute(wire.LeaveGroup, id, name, "")
		m.leave(c, name)
	case 5:
		c.session = []string{"", `a:1:{s:1:"n";i:1;}`, "0"}[r.rng.IntN(3)]
		r.execute(wire.SetSession, id, c.session, "")
	case 6:
		r.updateSession(id, c, name)
	}
}

func (r *modelRun) updateSession(id uint32, c *modelClient, name string) {
	update := phpserialize.ArrayOf(name, r.rng.IntN(3))
	serialized, _ := phpserialize.Marshal(update)
	r.execute(wire.UpdateSession, id, string(serialized), "")
	if c.session == "" || c.session == "0" {
		c.session = string(serialized)
		return
	}
	old, err := phpserialize.Unmarshal(c.session)
	if err != nil {
		r.t.Fatal(err)
	}
	merged, _ := phpserialize.Marshal(phpserialize.Merge(old.(*phpserialize.Array), update))
	c.session = string(merged)
}

// ungroup is rare: it would leave nothing to compare.
func (r *modelRun) ungroup() {
	group := r.name()
	r.execute(wire.Ungroup, 0, group, "")
	for _, c := range r.m.groups[group] {
		r.m.leave(c, group)
	}
}

// send sends one message.
func (r *modelRun) send() {
	body := r.message()
	var to []*modelClient
	names, ext := r.names()
	switch r.rng.IntN(6) {
	case 0:
		id, c := r.client()
		if r.execute(wire.SendToOne, id, "", body); c != nil {
			to = append(to, c)
		}
	case 1:
		r.execute(wire.SendToAll, 0, "", body)
		to = r.m.all
	case 2:
		only := wire.ToAll{Only: true, Connections: r.some()}
		r.execute(wire.SendToAll, 0, string(only.Append(nil)), body)
		for _, id := range only.Connections {
			if c := r.m.byID(id); c != nil {
				to = append(to, c)
			}
		}
	case 3:
		but := wire.ToAll{Exclude: r.some()}
		r.execute(wire.SendToAll, 0, string(but.Append(nil)), body)
		to = r.but(r.m.all, but.Exclude)
	case 4:
		r.execute(wire.SendToUID, 0, ext, body)
		for _, uid := range names {
			to = append(to, r.m.uids[uid]...)
		}
	case 5:
		target := wire.ToGroup{Groups: names, Exclude: r.some()}
		text, _ := target.Append(nil)
		r.execute(wire.SendToGroup, 0, string(text), body)
		for _, group := range names {
			to = append(to, r.but(r.m.groups[group], target.Exclude)...)
		}
	}
	for _, c := range to {
		c.got = append(c.got, body)
	}
}

// but is list without those of ids.
func (r *modelRun) but(list []*modelClient, ids []uint32) (rest []*modelClient) {
	for _, c := range list {
		if !slices.Contains(ids, c.id) {
			rest = append(rest, c)
		}
	}
	return rest
}

// question compares one answer.
func (r *modelRun) question() {
	id, c := r.client()
	name := r.name()
	names, ext := r.names()
	switch r.rng.IntN(10) {
	case 0:
		online := int64(0)
		if c != nil {
			online = 1
		}
		r.ask(wire.IsOnline, id, "", online)
	case 1:
		r.askSession(id, c)
	case 2:
		r.ask(wire.GetAllClientSessions, 0, "", modelSessions(r.m.all))
	case 3:
		r.ask(wire.GetClientSessionsByGroup, 0, name, modelSessions(r.m.groups[name]))
	case 4:
		r.ask(wire.GetClientCountByGroup, 0, name, int64(len(r.m.groups[name])))
		r.ask(wire.GetClientCountByGroup, 0, "", int64(len(r.m.all)))
	case 5:
		r.ask(wire.GetClientIDByUID, 0, name, modelIDs(r.m.uids[name]))
	case 6:
		groups := phpserialize.NewArray()
		for _, group := range r.m.order {
			if k := phpserialize.KeyOf(group); k.IsInt() {
				groups.Append(k.Int())
			} else {
				groups.Append(group)
			}
		}
		r.ask(wire.GetGroupIDList, 0, "", groups)
	case 7:
		ids, counts := phpserialize.NewArray(), phpserialize.NewArray()
		for _, name := range names {
			ids.Set(name, modelIDs(r.m.uids[name]))
			counts.Set(name, int64(len(r.m.groups[name])))
		}
		r.ask(wire.BatchGetClientIDByUID, 0, ext, ids)
		r.ask(wire.BatchGetClientCountByGroup, 0, ext, counts)
	default:
		r.askSelection()
	}
}

func (r *modelRun) askSession(id uint32, c *modelClient) {
	want := "a:0:{}"
	switch {
	case c == nil:
		want = "N;"
	case c.session != "" && c.session != "0":
		want = c.session
	}
	if got := r.execute(wire.GetSessionByClientID, id, "", ""); got != want {
		r.t.Fatalf("session of %d: %s, want %s", id, got, want)
	}
}

func (r *modelRun) askSelection() {
	var s wire.Selection
	for _, field := range []string{"uid", "groups", "session", "colour"} {
		if r.rng.IntN(2) == 0 {
			s.Fields = append(s.Fields, field)
		}
	}
	rows := phpserialize.NewArray()
	add := func(list []*modelClient) {
		for _, c := range list {
			rows.SetInt(int64(c.id), c.row(s.Fields))
		}
	}
	for _, i := range r.rng.Perm(4)[:r.rng.IntN(4)] {
		where := wire.Where{Key: []string{"groups", "uid", "connection_id", "colour"}[i]}
		where.Values, _ = r.names()
		if where.Key == "connection_id" {
			where.Values = nil
			for _, id := range r.some() {
				where.Values = append(where.Values, fmt.Sprint(id))
			}
		}
		s.Where = append(s.Where, where)
		for _, value := range where.Values {
			switch where.Key {
			case "groups":
				add(r.m.groups[value])
			case "uid":
				add(r.m.uids[value])
			case "connection_id":
				add(slices.DeleteFunc(slices.Clone(r.m.all), func(c *modelClient) bool {
					return fmt.Sprint(c.id) != value
				}))
			}
		}
	}
	if len(s.Where) == 0 && len(s.Fields) > 0 {
		add(r.m.all)
	}
	ext, err := s.Append(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.ask(wire.Select, 0, string(ext), rows)
}

// connect adds a client.
func (r *modelRun) connect() {
	socket, id := r.s.dial("text")
	c := &modelClient{id: id}
	r.m.all = append(r.m.all, c)
	r.every = append(r.every, c)
	r.sockets[c] = socket
}

// end takes a client away.
func (r *modelRun) end() {
	id, c := r.client()
	if c == nil || len(r.m.all) < 5 {
		return
	}
	if r.rng.IntN(2) == 0 {
		r.execute(wire.Destroy, id, "", "")
		r.m.remove(c)
		return
	}
	body := r.message()
	r.execute(wire.Kick, id, "", body)
	c.got = append(c.got, body)
	r.m.remove(c)
}

func TestProcessDoesWhatTheModelDoes(t *testing.T) {
	const rounds, steps = 40, 500
	for _, seed := range []uint64{1, 2} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := &modelRun{
				t: t, rng: rand.New(rand.NewPCG(seed, 5)), m: newModel(),
				s: clientsServe(t, nil, "text"), sockets: map[*modelClient]*wmtest.Client{},
			}
			for range rounds {
				r.connect()
				r.s.Do("text", func(*worker.Worker) {
					for range steps {
						r.step()
					}
				})
				r.s.Do("text", func(*worker.Worker) { r.end() })
			}
			r.compare()
		})
	}
}

// step does one thing.
func (r *modelRun) step() {
	switch n := r.rng.IntN(100); {
	case n < 50:
		r.change()
	case n < 51:
		r.ungroup()
	case n < 60:
		r.send()
	default:
		r.question()
	}
}

// compare looks at what the clients got and at the tables.
func (r *modelRun) compare() {
	r.t.Helper()
	r.s.must(clientsSay("end"))
	for _, c := range r.m.all {
		c.got = append(c.got, "end")
	}
	for _, c := range r.every {
		for _, message := range c.got {
			r.sockets[c].Expect(message)
		}
		if c.gone {
			r.sockets[c].ExpectClose()
		}
	}
	r.s.Do("text", func(*worker.Worker) {
		t := &r.s.p.clients
		if t.len() != len(r.m.all) || len(t.uids) != len(r.m.uids) || len(t.groups) != len(r.m.groups) {
			r.t.Errorf("%d clients, %d uids, %d groups", t.len(), len(t.uids), len(t.groups))
		}
		left := slices.Sorted(maps.Keys(t.groups))
		if want := slices.Sorted(maps.Keys(r.m.groups)); !slices.Equal(left, want) {
			r.t.Errorf("groups %s, want %s", strings.Join(left, " "), strings.Join(want, " "))
		}
	})
}
