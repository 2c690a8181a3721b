package supervisor

import (
	"reflect"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// A list of connections says whose are missing, with the figures of that
// moment.
func TestListNamesWhoDidNotListAll(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(4)))
	pids := w.live()
	blocked, half, stopped, fine := pids[0], pids[1], pids[2], pids[3]
	w.say(stopped, &ipc.Report{Figures: ipc.Figures{Connections: 5}})
	w.pass(10 * time.Second)
	r := &request{
		Request: ipc.Request{Command: ipc.CommandConnections},
		out:     make(chan ipc.Message, maxReplies),
	}
	w.s.onRequest(r)
	w.s.reconcile()
	id := w.expect(fine, ipc.TypeAskConnections).(*ipc.AskConnections).ID

	rows := []ipc.ConnectionRow{{ID: 1}, {ID: 2}}
	w.say(blocked, &ipc.Report{ID: id, Figures: ipc.Figures{Connections: 17, Busy: 3 * time.Second}})
	w.say(half, &ipc.Report{ID: id, Figures: ipc.Figures{Connections: 900, Busy: time.Second}},
		&ipc.Connections{ID: id, Rows: rows})
	w.say(fine, &ipc.Report{ID: id, Figures: ipc.Figures{Connections: 2}},
		&ipc.Connections{ID: id, Rows: rows}, &ipc.Connections{ID: id, Last: true})
	w.pass(listIdle)

	var listed int
	var got []ipc.UnlistedRow
	for m := range r.out {
		if list, ok := m.(*ipc.ConnectionList); ok {
			listed += len(list.Rows)
			got = append(got, list.Unlisted...)
		}
		if res, ok := m.(*ipc.Result); ok {
			if res.Code != 0 {
				t.Errorf("code %d", res.Code)
			}
			break
		}
	}
	want := []ipc.UnlistedRow{
		{PID: blocked, Worker: "a", Slot: 0, Connections: 17, Busy: 3 * time.Second, Answered: true},
		{PID: half, Worker: "a", Slot: 1, Connections: 900, Listed: 2, Busy: time.Second,
			Answered: true},
		{PID: stopped, Worker: "a", Slot: 2, Connections: 5, Silent: 10*time.Second + listIdle},
	}
	if listed != 4 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d rows, unlisted\n%+v\nwant 4,\n%+v", listed, got, want)
	}
}
