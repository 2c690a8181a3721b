package supervisor

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// diff asks for a plan, as the command would.
func (w *world) diff(content string) *request {
	w.t.Helper()
	w.write(w.s.cfg.Executable, content)
	r := &request{
		Request: ipc.Request{Command: ipc.CommandDiff}, out: make(chan ipc.Message, maxReplies),
	}
	r.gen, r.err = openGeneration(w.s.cfg.Executable)
	w.s.onRequest(r)
	w.s.reconcile()
	return r
}

// plan reads what a request was told until its result.
func (w *world) plan(r *request) (*ipc.Plan, *ipc.Result) {
	w.t.Helper()
	var plan *ipc.Plan
	for {
		select {
		case m := <-r.out:
			switch m := m.(type) {
			case *ipc.Plan:
				plan = m
			case *ipc.Result:
				return plan, m
			}
		default:
			w.t.Fatal("the question for a plan was not answered")
		}
	}
}

// brief is a row in one line: "a replaced [Count 1 -> 2] replace,start +x -y".
func brief(row ipc.PlanWorker) string {
	var steps []string
	for _, s := range row.Steps {
		steps = append(steps, s.Action)
	}
	text := fmt.Sprintf("%s %s %v %s", row.Key, row.Change, row.Why, strings.Join(steps, ","))
	for _, address := range row.Opens {
		text += " +" + address
	}
	for _, address := range row.Closes {
		text += " -" + address
	}
	return strings.TrimSpace(text)
}

func app(name string) func(*ipc.Spec) { return func(sp *ipc.Spec) { sp.App = name } }

// moved changes the address as an author does.
func moved(host string) func(*ipc.Spec) {
	return func(sp *ipc.Spec) { sp.Host, sp.Listen = host, "tcp://"+host }
}

// plans are what runs, what a binary declares, and what becomes of it.
var plans = []struct {
	name, build string
	old, new    []ipc.Spec
	want        []string
}{
	{"the same build", "one", []ipc.Spec{spec("a")}, []ipc.Spec{spec("a")},
		[]string{"a replaced [the same build again] replace"}},
	{"another build", "two", []ipc.Spec{spec("a", count(2))}, []ipc.Spec{spec("a", count(2))},
		[]string{"a replaced [another build] replace,replace"}},
	{"a new app", "two", []ipc.Spec{spec("a")}, []ipc.Spec{spec("b", app("new"), count(2)), spec("a")},
		[]string{"b new [new app] start,start +tcp://b", "a replaced [another build] replace"}},
	{"a new Worker", "two", []ipc.Spec{spec("a")}, []ipc.Spec{spec("a"), spec("b")},
		[]string{"a replaced [another build] replace", "b new [new Worker] start +tcp://b"}},
	{"a removed app", "two", []ipc.Spec{spec("a"), spec("b", app("old"))}, []ipc.Spec{spec("a")},
		[]string{"a replaced [another build] replace", "b removed [app removed] drain -tcp://b"}},
	{"a removed Worker", "two", []ipc.Spec{spec("a"), spec("b")}, []ipc.Spec{spec("a")},
		[]string{"a replaced [another build] replace", "b removed [Worker removed] drain -tcp://b"}},
	{"more processes", "two", []ipc.Spec{spec("a")}, []ipc.Spec{spec("a", count(3))},
		[]string{"a replaced [Count 1 -> 3 another build] replace,start,start"}},
	{"fewer processes", "two", []ipc.Spec{spec("a", count(3))}, []ipc.Spec{spec("a")},
		[]string{"a replaced [Count 3 -> 1 another build] replace,drain,drain"}},
	{"an address moves", "two", []ipc.Spec{spec("a")}, []ipc.Spec{spec("a", moved("x"))},
		[]string{"a replaced [address tcp://a -> tcp://x another build] replace +tcp://x -tcp://a"}},
	{"an address changes hands", "two", []ipc.Spec{spec("a"), spec("b")},
		[]ipc.Spec{spec("a", moved("b")), spec("b", moved("a"))},
		[]string{"a replaced [address tcp://a -> tcp://b another build] replace",
			"b replaced [address tcp://b -> tcp://a another build] replace"}},
	{"not reloadable", "two", []ipc.Spec{spec("a", stays)}, []ipc.Spec{spec("a", stays)},
		[]string{"a kept [not reloadable] keep"}},
	{"not reloadable, more", "two", []ipc.Spec{spec("a", stays)},
		[]ipc.Spec{spec("a", stays, count(2), func(sp *ipc.Spec) { sp.MaxProcs = 4 })},
		[]string{"a kept [Count 1 -> 2 Life.MaxProcs none -> 4 waits for a restart" +
			" not reloadable] keep,start"}},
	{"not reloadable, moved", "two", []ipc.Spec{spec("a", stays)},
		[]ipc.Spec{spec("a", stays, moved("x"), count(2))},
		[]string{"a kept [Count 1 -> 2 waits for a restart" +
			" address tcp://a -> tcp://x waits for a restart not reloadable] keep"}},
}

func TestPlan(t *testing.T) {
	for _, c := range plans {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.serve(c.old...)
			r := w.diff(c.build)
			w.probe(c.new...)
			plan, res := w.plan(r)
			if plan == nil || res.Code != 0 {
				t.Fatalf("result %+v", res)
			}
			var got []string
			for _, row := range plan.Workers {
				got = append(got, brief(row))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if plan.SameBinary != (c.build == "one") || plan.Upgrade() {
				t.Errorf("%+v", plan)
			}
		})
	}
}

// A reload does what the plan before it says, step by step.
func TestReloadDoesWhatItsPlanSays(t *testing.T) {
	for _, c := range plans {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.serve(c.old...)
			d := w.diff(c.build)
			w.probe(c.new...)
			plan, _ := w.plan(d)
			before := seats(w.s)
			r := w.reload(c.build, false)
			w.probe(c.new...)
			for range 20 { // more than there are steps
				w.readyAll()
				for _, pid := range w.live() {
					if p := w.s.byPID[pid]; p != nil && !p.toldAt.IsZero() {
						w.leave(pid)
					}
				}
			}
			if res := result(r); res == nil || res.Code != 0 {
				t.Fatalf("result %+v", res)
			}
			wantSeats(t, plan, before, seats(w.s))
		})
	}
}

// seats is the pid by slot.
func seats(s *Supervisor) map[string]int {
	pids := map[string]int{}
	for _, sl := range s.slots() {
		if sl.current != nil {
			pids[sl.label()] = sl.current.pid
		}
	}
	return pids
}

func wantSeats(t *testing.T, plan *ipc.Plan, before, after map[string]int) {
	t.Helper()
	told := 0
	for _, row := range plan.Workers {
		for _, step := range row.Steps {
			label := fmt.Sprintf("%s/%d", row.Key, step.Slot)
			old, now := before[label], after[label]
			ok := map[string]bool{
				ipc.PlanStart: old == 0 && now != 0, ipc.PlanReplace: now != 0 && now != old,
				ipc.PlanDrain: now == 0, ipc.PlanKeep: now == old,
			}[step.Action]
			if !ok || step.PID != old {
				t.Errorf("%s: %+v, process %d became %d", label, step, old, now)
			}
			if step.Action != ipc.PlanDrain {
				told++
			}
		}
	}
	if told != len(after) {
		t.Errorf("%d slots are left, the plan has %d", len(after), told)
	}
}

func TestDiffChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)))
	before, open, bound := seats(w.s), len(w.s.generations), len(w.bound)
	r := w.diff("two")
	w.probe(spec("a", moved("x"), count(4)), spec("b"))
	w.plan(r)
	if got := seats(w.s); !reflect.DeepEqual(got, before) {
		t.Errorf("processes %v became %v", before, got)
	}
	if len(w.s.generations) != open || len(w.bound) != bound || len(w.s.listeners) != 1 {
		t.Errorf("%d executables, bound %v, listeners %v", len(w.s.generations), w.bound, w.s.listeners)
	}
	if !slices.Equal(w.tried, []string{"x", "b"}) {
		t.Errorf("tried %v, want the new addresses alone", w.tried)
	}
	if r.gen.file.Fd() != ^uintptr(0) {
		t.Error("the executable is still open")
	}
}

// Everything that would refuse the reload is told at once.
func TestDiffSaysWhyAReloadWouldBeRefused(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	w.taken["x"] = true
	r := w.diff("two")
	w.probe(spec("a", moved("x"), from("a.go:3")),
		spec("b", from("b.go:4"), func(sp *ipc.Spec) { sp.User = "no-such-user" }),
		spec("c", from("c.go:5"), func(sp *ipc.Spec) {
			sp.Files = []ipc.KeyPair{{Cert: "/none/cert.pem", Key: "/none/key.pem"}}
		}))
	plan, res := w.plan(r)
	if plan != nil || res.Code != ipc.CodeFailed {
		t.Fatalf("plan %+v, result %+v", plan, res)
	}
	for _, want := range []string{"worker a (a.go:3): listen tcp://x",
		"worker b (b.go:4): user \"no-such-user\"",
		"worker c (c.go:5): certificate file: open /none/cert.pem"} {
		if !strings.Contains(res.Text, want) {
			t.Errorf("no %q in %q", want, res.Text)
		}
	}
}

func TestDiffWaitsForAReload(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	old := w.last
	r := w.reload("two", false)
	d := w.diff("three")
	late := w.diff("three")
	w.probe(spec("a"))
	w.turn(old)
	if res := result(r); res == nil || res.Code != 0 {
		t.Fatalf("result %+v", res)
	}
	w.probe(spec("a"))
	plan, _ := w.plan(d)
	if plan == nil || plan.Generation != 2 {
		t.Fatalf("plan %+v", plan)
	}
	w.probe(spec("a"))
	if plan, _ := w.plan(late); plan == nil {
		t.Error("the second question got no plan")
	}
}

func TestDiffDoesNotWaitForEver(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	w.reload("two", false)
	d := w.diff("three")
	w.pass(diffPatience + time.Second)
	if _, res := w.plan(d); res.Code != ipc.CodeTimeout {
		t.Errorf("result %+v", res)
	}
}

func TestQuestionsForAPlanAreBounded(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	w.reload("two", false)
	for range maxDiffs {
		w.diff("three")
	}
	if _, res := w.plan(w.diff("three")); res.Code != ipc.CodeFailed {
		t.Errorf("result %+v", res)
	}
}

func TestStopAnswersQuestionsForAPlan(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	first, second := w.diff("two"), w.diff("three")
	w.s.leave(false)
	if _, res := w.plan(second); res.Code != ipc.CodeFailed {
		t.Errorf("result %+v", res)
	}
	w.exit(w.last, 9) // its probe
	if _, res := w.plan(first); res.Code != ipc.CodeFailed {
		t.Errorf("result %+v", res)
	}
}

// Every field of a Spec is compared, or is one that says nothing about how a
// process runs.
func TestEveryFieldOfASpecIsCompared(t *testing.T) {
	silent := []string{"App", "Key", "Address", "Network", "Host", "Source", "Error"}
	kinds := reflect.TypeFor[ipc.Spec]()
	for i := range kinds.NumField() {
		changed := ipc.Spec{}
		name := kinds.Field(i).Name
		switch f := reflect.ValueOf(&changed).Elem().Field(i); f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Slice:
			changed.Files = []ipc.KeyPair{{Cert: "c", Key: "k"}}
		default:
			f.SetInt(7)
		}
		if got := specChanges(ipc.Spec{}, changed); len(got) == 1 == slices.Contains(silent, name) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestReloadTellsItsPlanAndWhatItDid(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)), spec("gone"), spec("s", stays))
	old := w.live()
	r := w.reload("two", false)
	w.probe(spec("new"), spec("a"), spec("s", stays))
	w.say(w.last, &ipc.Ready{})
	w.turn(old[0])
	w.leave(old[1], old[2])
	var told []string
	for m := range r.out {
		switch m := m.(type) {
		case *ipc.Progress:
			if m.Kind == "plan" {
				told = append(told, m.Text)
			}
		case *ipc.Result:
			const want = "generation 2 is live, 3 processes: 1 started, 1 replaced, 2 removed, 1 kept"
			if m.Text != want {
				t.Errorf("result %q, want %q", m.Text, want)
			}
		}
	}
	want := []string{"1 start, 1 replace, 2 drain, 1 keep, 1 address opens, 1 address closes",
		"new: new Worker", "a: Count 2 -> 1, another build", "gone: Worker removed"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}
