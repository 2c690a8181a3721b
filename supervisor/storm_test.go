package supervisor

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// storm lets operations, processes and time come in any order, and looks in the
// end whether the service is what its last reload says.
type storm struct {
	*world
	rand     *rand.Rand
	declared map[[sha256.Size]byte][]ipc.Spec // by the binary
	asked    []*request
	late     []*request // opened, not delivered yet
}

const stormSteps = 150

func TestStorm(t *testing.T) {
	seeds := 50
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { runStorm(t, uint64(seed)) })
	}
}

func runStorm(t *testing.T, seed uint64) {
	st := &storm{
		world: newWorld(t), rand: rand.New(rand.NewPCG(seed, 1)),
		declared: map[[sha256.Size]byte][]ipc.Spec{},
	}
	first := []ipc.Spec{spec("a", count(2)), spec("b"), spec("stays", stays)}
	st.declared[sha256.Sum256([]byte("one"))] = first
	st.serve(first...)
	for range stormSteps {
		st.step()
		st.checkStartable()
	}
	st.calm()
	st.check()
	if got := st.s.phase; got != serving {
		t.Fatalf("phase %v: %v", got, st.s.err)
	}
	if seed%2 == 0 {
		st.stop()
	}
}

func (st *storm) chance(percent int) bool { return st.rand.IntN(100) < percent }

func (st *storm) step() {
	switch n := st.rand.IntN(100); {
	case n < 6:
		st.asked = append(st.asked, st.reload(st.build(), st.chance(40)))
	case n < 8:
		st.ifNew()
	case n < 11:
		st.asked = append(st.asked, st.diff(st.build()))
	case n < 12:
		st.signal(unix.SIGUSR1)
	case n < 14:
		st.built()
	case n < 15:
		st.fails = []error{unix.EAGAIN, unix.ETXTBSY}[st.rand.IntN(2)]
	case n < 16:
		st.taken["x"] = !st.taken["x"]
	case n < 17:
		st.asked = append(st.asked, st.upgrade(st.build()))
	case n < 19:
		st.rehearse()
	case n < 22:
		st.pass(time.Duration(st.rand.IntN(3000)) * time.Millisecond)
	case n < 23:
		st.pass(time.Hour)
	case n < 35:
		st.answerProbe(st.chance(90))
	default:
		st.stir()
	}
}

// ifNew asks for a reload as the watcher does.
func (st *storm) ifNew() {
	st.write(st.s.cfg.Executable, st.build())
	r := st.ask(st.s.cfg.Executable, "", false)
	r.IfNew = true
	st.deliver(r)
	st.asked = append(st.asked, r)
}

// built asks as a command does that has built, maybe long after it did.
func (st *storm) built() {
	next := st.s.cfg.Executable + ".next"
	st.write(next+".new", st.build())
	if err := os.Rename(next+".new", next); err != nil {
		st.t.Fatal(err)
	}
	r := st.ask(next, st.s.cfg.Executable, st.chance(40))
	if st.late = append(st.late, r); st.chance(50) {
		st.deliver(st.late...)
		st.asked, st.late = append(st.asked, st.late...), nil
	}
}

// rehearse ends a rehearsal: there is nothing to execute here.
func (st *storm) rehearse() {
	if u := st.s.upgrade; u != nil && u.child != nil {
		st.endRehearsal(1<<8, &ipc.Failed{Text: "no"})
	}
}

// checkStartable looks whether a respawn and putting back can do their work.
func (st *storm) checkStartable() {
	s := st.s
	for _, sl := range s.slots() {
		if !isOpen(sl.plan.gen) {
			st.t.Fatalf("generation %d of slot %s is closed", sl.plan.gen.number, sl.label())
		}
	}
	if r := s.roll; r != nil {
		for _, sp := range r.steps {
			if sp.from.gen != nil && !isOpen(sp.from.gen) {
				st.t.Fatalf("generation %d is closed, to which %s goes back",
					sp.from.gen.number, sp.slot.label())
			}
		}
	}
}

// build makes up a program; there are not many.
func (st *storm) build() string {
	which := st.rand.IntN(16)
	specs := []ipc.Spec{spec("a", count(1+which%3), func(sp *ipc.Spec) { sp.MaxAge = 30 * time.Minute })}
	if which&1 != 0 {
		specs = append(specs, spec("b", at([]string{"b", "x"}[which>>1&1])))
	}
	if which&2 != 0 {
		specs = append(specs, spec("first", stopFirst))
	}
	if which&8 != 0 {
		many := func(sp *ipc.Spec) { sp.Count, sp.ReusePort = 1+which%4, true }
		specs = append(specs, spec("many", many))
	}
	if which&4 != 0 {
		specs = append(specs, spec("stays", stays))
	}
	text := fmt.Sprint("build ", which)
	st.declared[sha256.Sum256([]byte(text))] = specs
	return text
}

func (st *storm) answerProbe(good bool) {
	p := st.s.probe
	if p == nil || p.ended != nil {
		return
	}
	if !good {
		st.exit(p.pid, 2<<8, "panic: no")
		return
	}
	st.say(p.pid, &ipc.Announce{App: "app"}, &ipc.Specs{App: "app", Specs: st.declared[p.gen.digest]},
		&ipc.Done{Version: "1"})
	st.exit(p.pid, 0)
}

// stir has something happen to one of the processes.
func (st *storm) stir() {
	pids := st.live()
	if len(pids) == 0 {
		return
	}
	pid := pids[st.rand.IntN(len(pids))]
	p := st.s.byPID[pid]
	switch {
	case st.procs[pid].killed:
		st.exit(pid, 9)
	case p.state == starting && st.chance(85):
		st.say(pid, &ipc.Ready{})
	case p.state == starting:
		st.exit(pid, 256, "panic")
	case p.state == running && st.chance(4):
		st.exit(pid, 256*st.rand.IntN(2), "crash")
	case p.state == stopping && !p.yielded && st.chance(70):
		st.say(pid, &ipc.Yielded{Pacing: time.Duration(st.rand.IntN(2)) * time.Second})
	case p.state == stopping && st.chance(40):
		st.say(pid, &ipc.Goodbye{})
		st.exit(pid, 0)
	}
}

// calm lets everything that is under way come to its end.
func (st *storm) calm() {
	st.fails, st.taken["x"] = nil, false
	st.deliver(st.late...)
	st.asked, st.late = append(st.asked, st.late...), nil
	for range 300 {
		st.rehearse()
		st.answerProbe(true)
		for _, pid := range st.live() {
			p := st.s.byPID[pid]
			switch {
			case p == nil:
			case st.procs[pid].killed:
				st.exit(pid, 9)
			case p.state == starting:
				st.say(pid, &ipc.Ready{})
			case p.state == stopping:
				st.leave(pid)
			}
		}
		st.pass(200 * time.Millisecond)
	}
}

func (st *storm) check() {
	t, s := st.t, st.s
	t.Helper()
	if s.roll != nil || s.queued != nil || len(s.settling)+len(s.diffs) > 0 || s.probe != nil {
		t.Fatalf("roll %+v, queued %+v, %d settle, %d diffs, probe %v",
			s.roll, s.queued, len(s.settling), len(s.diffs), s.probe)
	}
	for i, r := range st.asked {
		if n := results(r); n != 1 || !r.ended {
			t.Errorf("request %d of %d (%s) has %d results", i, len(st.asked), r.Command, n)
		}
	}
	for _, sl := range s.slots() {
		if p := sl.current; p == nil || p.state != running || sl.next != nil || len(sl.leaving) > 0 {
			t.Errorf("slot %s: %+v, next %v, leaving %v", sl.label(), p, sl.next, sl.leaving)
		}
	}
	if got, want := len(st.live()), len(s.slots()); got != want {
		t.Errorf("%d processes in %d slots", got, want)
	}
	if text := st.logged(); strings.Contains(text, "bug:") {
		t.Errorf("the log has:\n%s", text)
	}
	st.checkOpen()
}

// checkOpen looks at what is open.
func (st *storm) checkOpen() {
	t, s := st.t, st.s
	t.Helper()
	want := map[*generation]bool{s.gen: true}
	addresses, groups := map[string]bool{}, 0
	for _, u := range s.units {
		want[u.gen] = true
		if u.group != nil {
			if groups++; len(u.group.sockets) != len(u.slots) {
				t.Errorf("%s has %d sockets for %d slots", u.spec.Key, len(u.group.sockets), len(u.slots))
			}
		} else {
			addresses[addressKey(u.spec)] = true
		}
		if u.spec.Count != len(u.slots) {
			t.Errorf("%s has %d slots of %d", u.spec.Key, len(u.slots), u.spec.Count)
		}
		for _, sl := range u.slots {
			want[sl.plan.gen] = true
			if u.group == nil {
				addresses[addressKey(sl.plan.spec)] = true
			}
		}
	}
	if len(want) != len(s.generations) {
		t.Errorf("%d executables are open, %d are needed", len(s.generations), len(want))
	}
	for gen := range want {
		if !s.generations[gen] || !isOpen(gen) {
			t.Errorf("generation %d is not open", gen.number)
		}
	}
	for key := range addresses {
		if s.listeners[key] == nil {
			t.Errorf("no listener for %s", key)
		}
	}
	if groups != len(s.groups) {
		t.Errorf("%d groups, %d are needed", len(s.groups), groups)
	}
	if len(addresses) != len(s.listeners) {
		t.Errorf("%d listeners, %d are needed", len(s.listeners), len(addresses))
	}
}

// results counts the answers that end a request.
func results(r *request) (n int) {
	for {
		select {
		case m, open := <-r.out:
			if !open {
				return n
			}
			if _, ok := m.(*ipc.Result); ok {
				n++
			}
		default:
			return n
		}
	}
}

// stop ends the service in the middle of something.
func (st *storm) stop() {
	st.asked = nil
	for range st.rand.IntN(40) {
		st.step()
	}
	st.late = nil
	st.s.onSignal([]os.Signal{unix.SIGTERM, unix.SIGQUIT}[st.rand.IntN(2)])
	st.s.reconcile()
	for pid, p := range st.procs {
		if p.launch.handover.Role == ipc.RoleRehearsal {
			delete(st.procs, pid) // killed
		}
	}
	for range 100 {
		if p := st.s.probe; p != nil && p.ended == nil {
			st.exit(p.pid, 9)
		}
		for _, pid := range slices.Clone(st.live()) {
			st.leave(pid)
		}
	}
	if st.s.phase != over {
		st.t.Fatalf("phase %v, %d processes", st.s.phase, len(st.s.byPID))
	}
	for i, r := range st.asked {
		if n := results(r); n != 1 {
			st.t.Errorf("request %d of %d (%s) has %d results", i, len(st.asked), r.Command, n)
		}
	}
}
