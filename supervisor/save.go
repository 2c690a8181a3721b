package supervisor

import (
	"io"
	"maps"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// saver makes the rows of a state from what the loop owns. Rows refer to each
// other by index.
type saver struct {
	s      *Supervisor
	now    time.Time
	frozen bool // nobody else moves; else it is a copy for a rehearsal

	generations table[*generation, ipc.GenerationState]
	listeners   table[*listener, ipc.ListenerState]
	groups      table[*portGroup, ipc.GroupState]
	certs       table[*certificateFiles, ipc.CertificateState]
	units       table[*unit, ipc.UnitState]
	slots       table[*slot, ipc.SlotState]
	processes   table[*process, ipc.ProcessState]
	callers     map[*request]int
}

// table numbers things as they are met.
type table[K comparable, V any] struct {
	index map[K]int
	rows  []V
}

// of returns the index of k and makes its row when it is met first; the zero
// K has none.
func (t *table[K, V]) of(k K, row func(K) V) int {
	var none K
	if k == none {
		return -1
	}
	if i, met := t.index[k]; met {
		return i
	}
	if t.index == nil {
		t.index = map[K]int{}
	}
	i := len(t.rows)
	t.index[k] = i // before the row, which may refer back to it
	t.rows = append(t.rows, *new(V))
	t.rows[i] = row(k)
	return i
}

// save describes the master for the image that is to take its place.
func (s *Supervisor) save(frozen bool) *ipc.State {
	sv := &saver{s: s, now: s.sys.now(), frozen: frozen, callers: map[*request]int{}}
	st := &ipc.State{
		Program: s.cfg.Program, WM: s.cfg.WM,
		Started: s.started, Settings: s.settings, PidFile: s.pidFile,
		DroppedLogLines: s.droppedLines(), LastNumber: s.lastNumber, LastID: s.lastID,
		Opened:   s.openedUpTo(),
		NextLook: sv.at(s.nextLook), NextRead: sv.at(s.nextRead),
		Lock: s.lock.Descriptor(), Inherited: s.cfg.Inherited,
	}
	st.Control = sv.control() // before what refers to callers
	st.Generation = sv.generation(s.gen)
	for _, gen := range slices.SortedFunc(maps.Keys(s.generations), byNumber) {
		sv.generation(gen)
	}
	sv.keyed()
	for _, u := range s.units {
		st.Order = append(st.Order, sv.unit(u))
	}
	for _, u := range s.removed {
		st.Removed = append(st.Removed, sv.unit(u))
	}
	for _, pid := range slices.Sorted(maps.Keys(s.byPID)) {
		sv.process(s.byPID[pid])
	}
	for _, r := range s.settling {
		st.Reloads = append(st.Reloads, *sv.reload(r))
	}
	st.Watcher = sv.watcher()
	st.Queued = sv.reload(s.queued)
	st.Upgrade = sv.upgrade(s.upgrade, -1)
	for _, u := range s.upgrades {
		st.Next = append(st.Next, sv.upgrade(u, sv.generation(u.gen)))
	}
	st.Words = sv.otherWords()
	st.Generations, st.Listeners, st.Groups = sv.generations.rows, sv.listeners.rows, sv.groups.rows
	st.Certificates, st.Units, st.Slots = sv.certs.rows, sv.units.rows, sv.slots.rows
	st.Processes = sv.processes.rows
	return st
}

func byNumber(a, b *generation) int { return a.number - b.number }

// keyed saves what is found by a key: listeners, groups and certificates.
func (sv *saver) keyed() {
	for _, key := range slices.Sorted(maps.Keys(sv.s.listeners)) {
		i := sv.listener(sv.s.listeners[key])
		sv.listeners.rows[i].Key = key
	}
	for _, key := range slices.Sorted(maps.Keys(sv.s.groups)) {
		i := sv.group(sv.s.groups[key])
		sv.groups.rows[i].Key = key
	}
	for _, key := range slices.Sorted(maps.Keys(sv.s.certs)) {
		i := sv.certificates(sv.s.certs[key])
		sv.certs.rows[i].Key = key
	}
}

func (sv *saver) generation(g *generation) int {
	return sv.generations.of(g, func(g *generation) ipc.GenerationState {
		return ipc.GenerationState{
			Number: g.number, Path: g.path, Root: g.root, FD: ipc.DescriptorOf(g.file),
			Digest: g.digest[:], Changed: g.changed, Version: g.version, Program: g.program,
			Specs: g.specs, Settings: g.settings,
		}
	})
}

func (sv *saver) listener(lis *listener) int {
	return sv.listeners.of(lis, func(lis *listener) ipc.ListenerState {
		row := ipc.ListenerState{
			FD: lis.FD, Address: lis.address, LentTo: sv.process(lis.lentTo),
			CloseAt: sv.at(lis.closeAt),
		}
		if f := lis.File; f != nil {
			row.File = &ipc.FileAt{Path: f.Path, Dir: f.Dir, Own: f.Own}
		}
		return row
	})
}

func (sv *saver) group(g *portGroup) int {
	return sv.groups.of(g, func(g *portGroup) ipc.GroupState {
		row := ipc.GroupState{Steered: g.steered}
		for _, lis := range g.sockets {
			row.Sockets = append(row.Sockets, sv.listener(lis))
		}
		return row
	})
}

func (sv *saver) certificates(f *certificateFiles) int {
	return sv.certs.of(f, func(f *certificateFiles) ipc.CertificateState {
		return ipc.CertificateState{
			Worker: f.worker, Pairs: f.pairs, Contents: f.contents,
			Read: saveStamps(f.read), Seen: saveStamps(f.seen), Again: f.again,
		}
	})
}

func saveStamps(stamps map[string]stamp) map[string]ipc.FileStamp {
	rows := map[string]ipc.FileStamp{}
	for path, st := range stamps {
		rows[path] = ipc.FileStamp{
			Dev: st.dev, Ino: st.ino, Size: st.size,
			Mtime: unix.TimespecToNsec(st.mtime), Ctime: unix.TimespecToNsec(st.ctime),
		}
	}
	return rows
}

func (sv *saver) plan(pl plan) ipc.PlanState {
	row := ipc.PlanState{
		Spec: pl.spec, Generation: sv.generation(pl.gen), Listener: sv.listener(pl.lis),
		Group: sv.group(pl.group), Certificates: sv.certificates(pl.certs),
	}
	if id := pl.ident; id != nil {
		row.Identity = &ipc.IdentityState{User: id.user, UID: id.uid, GID: id.gid, Groups: id.groups}
	}
	return row
}

func (sv *saver) unit(u *unit) int {
	return sv.units.of(u, func(u *unit) ipc.UnitState {
		row := ipc.UnitState{
			Plan: sv.plan(u.plan), KickAt: sv.at(u.kickAt), Kicked: sv.at(u.kicked), Gone: u.removed,
		}
		for _, sl := range u.slots {
			row.Slots = append(row.Slots, sv.slot(sl))
		}
		for _, status := range slices.Sorted(maps.Keys(u.exits)) {
			c := u.exits[status]
			row.Exits = append(row.Exits, ipc.ExitState{
				Status: status, All: c.all, Unexpected: c.unexpected,
			})
		}
		return row
	})
}

func (sv *saver) slot(sl *slot) int {
	return sv.slots.of(sl, func(sl *slot) ipc.SlotState {
		row := ipc.SlotState{
			Unit: sv.unit(sl.unit), Number: sl.number, Plan: sv.plan(sl.plan),
			Current: sv.process(sl.current), Leaving: sv.all(sl.leaving),
			Rest: sl.rest.String(), Wait: sv.at(sl.wait), Crashes: sl.crashes,
			LastCause: sl.lastCause, LastWords: sl.lastWords,
			BusySince: sv.at(sl.busySince), RenewAfter: sv.at(sl.renewAfter),
			Inner: map[string]int{},
		}
		for address, lis := range sl.inner {
			row.Inner[address] = sv.listener(lis)
		}
		return row
	})
}

func (sv *saver) all(ps []*process) []int {
	var rows []int
	for _, p := range ps {
		rows = append(rows, sv.process(p))
	}
	return rows
}

func (sv *saver) process(p *process) int {
	return sv.processes.of(p, func(p *process) ipc.ProcessState {
		row := ipc.ProcessState{
			PID: p.pid, Slot: sv.slot(p.slot), Plan: sv.plan(p.plan), State: p.state.String(),
			Link: sv.link(p.link), Words: sv.words(p.words),
			Started: sv.at(p.started), ReadyBy: sv.at(p.readyBy), ReadyAt: sv.at(p.readyAt),
			ToldAt: sv.at(p.toldAt), YieldBy: sv.at(p.yieldBy), Yielded: p.yielded,
			Paced: p.paced, Pacing: p.pacing, Turn: p.turn.String(),
			WaitsFor: p.waitsFor, KillAt: sv.at(p.killAt), Killed: p.killed, Late: p.late,
			Goodbye: p.goodbye, Failed: p.failed, Finished: p.finished,
			Inner: slices.Sorted(maps.Keys(p.inner)), Lent: p.lent,
			Figures: p.figures, AnsweredAt: sv.at(p.answeredAt), Spread: p.spread, Hung: p.hung,
		}
		if e := p.ended; e != nil {
			row.Ended = &ipc.EndedState{Status: e.status, At: sv.at(e.at)}
		}
		return row
	})
}

func (sv *saver) link(l *link) ipc.LinkState {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shut {
		return ipc.LinkState{FD: -1}
	}
	row := ipc.LinkState{FD: l.conn.Descriptor()}
	if sv.frozen {
		row.Partial = l.conn.Partial()
	}
	for _, o := range l.out {
		row.Out = append(row.Out, ipc.RecordState{Record: o.rec, FD: o.fd})
	}
	return row
}

func (sv *saver) words(w *lastWords) ipc.WordsState {
	w.mu.Lock()
	defer w.mu.Unlock()
	row := ipc.WordsState{
		FD: -1, Text: slices.Clone(w.text), Said: w.said, Head: slices.Clone(w.head),
		Found: w.found, Quiet: w.to == io.Discard,
	}
	if !w.ended() {
		row.FD = ipc.DescriptorOf(w.pipe)
	}
	return row
}

// otherWords are the pipes that somebody has inherited from a process that is
// gone.
func (sv *saver) otherWords() []ipc.WordsState {
	own := map[*lastWords]bool{}
	for p := range sv.processes.index {
		own[p.words] = true
	}
	if u := sv.s.upgrade; u != nil && u.child != nil {
		own[u.child.words] = true // it ends with the exec
	}
	own[sv.s.watcher.words] = true
	var rows []ipc.WordsState
	for w := range sv.s.words {
		if row := sv.words(w); !own[w] && row.FD >= 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

// control saves who is connected.
func (sv *saver) control() ipc.ControlState {
	c := sv.s.control
	c.mu.Lock()
	defer c.mu.Unlock()
	row := ipc.ControlState{FD: ipc.DescriptorOf(c.ln), Dev: c.file.Dev, Ino: c.file.Ino}
	if !sv.frozen {
		return row // they come and go
	}
	for _, cl := range slices.SortedFunc(maps.Keys(c.callers), byArrival) {
		sv.callers[cl.request] = len(row.Callers)
		row.Callers = append(row.Callers, cl.save())
	}
	return row
}

func byArrival(a, b *caller) int { return a.readBy.Compare(b.readBy) }

func (sv *saver) reload(r *reload) *ipc.ReloadState {
	if r == nil {
		return nil
	}
	row := &ipc.ReloadState{
		Generation: sv.generation(r.gen), Path: r.path, Order: r.order, Graceful: r.graceful,
		IfNew: r.ifNew, Watched: r.watched, Install: r.install, By: saveAskers(r.by),
		Began: r.began, Renewal: sv.slot(r.renewal), Waiters: sv.waiters(r.waiters), Did: r.did,
		Failed: r.failed, Upgraded: r.upgraded,
	}
	row.Leaves = sv.all(r.leaves)
	return row
}

func saveAskers(by []rundir.Asker) []ipc.AskerState {
	var rows []ipc.AskerState
	for _, a := range by {
		rows = append(rows, ipc.AskerState{Signal: a.Signal, UID: a.UID, PID: a.PID})
	}
	return rows
}

// watcher is nil in daemon mode.
func (sv *saver) watcher() *ipc.WatcherState {
	w := &sv.s.watcher
	if *w == (watcher{}) {
		return nil
	}
	row := &ipc.WatcherState{
		PID: w.pid, Link: ipc.LinkState{FD: -1}, Words: ipc.WordsState{FD: -1},
		Started: sv.at(w.started), KillAt: sv.at(w.killAt), Wait: sv.at(w.wait),
		Crashes: w.crashes, Done: w.done,
	}
	if w.pid != 0 {
		row.Link, row.Words = sv.link(w.link), sv.words(w.words)
	}
	if e := w.ended; e != nil {
		row.Ended = &ipc.EndedState{Status: e.status, At: sv.at(e.at)}
	}
	return row
}

// waiters leaves out those that do not wait any more.
func (sv *saver) waiters(rs []*request) []int {
	var rows []int
	for _, r := range rs {
		if i, there := sv.callers[r]; there {
			rows = append(rows, i)
		}
	}
	return rows
}

func (sv *saver) upgrade(u *upgrade, generation int) ipc.UpgradeState {
	return ipc.UpgradeState{
		Generation: generation, Path: u.gen.path, Install: u.install, By: saveAskers(u.by),
		Began: u.began, Waiters: sv.waiters(u.waiters), Then: sv.reload(u.then),
		Staged: u.staged.save(),
	}
}
