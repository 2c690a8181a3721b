package supervisor

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/listen"
	"github.com/workerman-go/wm/rundir"
)

// restorer builds from the rows of a state what saver made them of. The first
// error stays.
type restorer struct {
	s         *Supervisor
	rehearsal bool // the processes are somebody else's children
	err       error
	kept      map[int]bool
	now       time.Time
	stood     time.Duration // how long the master has stood still; 0 in a rehearsal

	generations []*generation
	listeners   []*listener
	groups      []*portGroup
	certs       []*certificateFiles
	units       []*unit
	slots       []*slot
	processes   []*process
	requests    []*request
}

// restore makes s the master that st describes, with nobody who moves. It
// returns the descriptors that are used under their numbers; the others are
// duplicated, so that all of the state stay as they are.
func (s *Supervisor) restore(st *ipc.State, rehearsal bool) (kept map[int]bool, err error) {
	if st.Program != s.cfg.Program {
		return nil, fmt.Errorf("this binary is %s, the service is of %s", s.cfg.Program, st.Program)
	}
	r := &restorer{s: s, rehearsal: rehearsal, kept: map[int]bool{}, now: s.sys.now()}
	if st.Mono != 0 {
		r.stood = time.Duration(monotonic() - st.Mono)
	}
	s.started, s.settings, s.pidFile = st.Started, st.Settings, st.PidFile
	s.dropped, s.lastNumber, s.lastID = st.DroppedLogLines, st.LastNumber, st.LastID
	s.opened = st.Opened
	s.nextLook, s.nextRead = r.delayed(st.NextLook), r.delayed(st.NextRead)
	s.lock = rundir.AdoptLock(s.cfg.Dir.Lock, r.keep(st.Lock))
	for _, fd := range st.Inherited {
		s.cfg.Inherited = append(s.cfg.Inherited, r.keep(fd))
	}
	r.allocate(st)
	r.fill(st)
	r.control(st.Control)
	s.gen = pick(r, r.generations, st.Generation)
	for _, i := range st.Order {
		s.units = append(s.units, pick(r, r.units, i))
	}
	for _, i := range st.Removed {
		s.removed = append(s.removed, pick(r, r.units, i))
	}
	for _, row := range st.Words {
		r.words(row)
	}
	for _, row := range st.Reloads {
		live := r.reload(&row)
		live.stage = settling
		s.settling = append(s.settling, live)
	}
	r.watcher(st.Watcher)
	s.queued = r.reload(st.Queued)
	s.upgrade = r.upgrade(st.Upgrade)
	for _, row := range st.Next {
		s.upgrades = append(s.upgrades, r.upgrade(row))
	}
	if r.err == nil && s.gen == nil {
		r.err = fmt.Errorf("%w: no generation", ipc.ErrState)
	}
	return r.kept, r.err
}

// pick returns what has an index; nothing for -1.
func pick[T any](r *restorer, all []*T, i int) *T {
	if i == -1 {
		return nil
	}
	if i < 0 || i >= len(all) {
		r.fail(fmt.Errorf("%w: index %d of %d", ipc.ErrState, i, len(all)))
		return new(T)
	}
	return all[i]
}

// some makes n empty things.
func some[T any](n int) []*T {
	all := make([]*T, n)
	for i := range all {
		all[i] = new(T)
	}
	return all
}

func (r *restorer) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// allocate makes what rows refer to, before any row is read.
func (r *restorer) allocate(st *ipc.State) {
	r.generations = some[generation](len(st.Generations))
	r.listeners = some[listener](len(st.Listeners))
	r.groups = some[portGroup](len(st.Groups))
	r.certs = some[certificateFiles](len(st.Certificates))
	r.units = some[unit](len(st.Units))
	r.slots = some[slot](len(st.Slots))
	r.processes = some[process](len(st.Processes))
}

func (r *restorer) fill(st *ipc.State) {
	for i, row := range st.Generations {
		r.generation(r.generations[i], row)
	}
	for i, row := range st.Listeners {
		r.listener(r.listeners[i], row)
	}
	for i, row := range st.Groups {
		r.group(r.groups[i], row)
	}
	for i, row := range st.Certificates {
		r.certificates(r.certs[i], row)
	}
	for i, row := range st.Units {
		r.unit(r.units[i], row)
	}
	for i, row := range st.Slots {
		r.slot(r.slots[i], row)
	}
	for i, row := range st.Processes {
		r.process(r.processes[i], row)
	}
}

// keep notes that a descriptor is used under its number.
func (r *restorer) keep(fd int) int {
	if fd < 0 {
		return fd
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		r.fail(fmt.Errorf("descriptor %d: %w", fd, err))
	}
	r.kept[fd] = true
	return fd
}

// file wraps a duplicate of a descriptor, not below low.
func (r *restorer) file(fd, low int, name string) *os.File {
	mine, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, low)
	if err != nil {
		r.fail(fmt.Errorf("%s: descriptor %d: %w", name, fd, err))
		return nil
	}
	return os.NewFile(uintptr(mine), name)
}

// conn wraps a duplicate of a socket; nil without one.
func (r *restorer) conn(fd int) *ipc.Conn {
	mine, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		r.fail(fmt.Errorf("socket: descriptor %d: %w", fd, err))
		return nil
	}
	conn, err := ipc.FromDescriptor(mine)
	if err != nil {
		r.fail(err)
	}
	return conn
}

func (r *restorer) generation(g *generation, row ipc.GenerationState) {
	g.number, g.path, g.root, g.version = row.Number, row.Path, row.Root, row.Version
	g.specs, g.settings, g.changed, g.program = row.Specs, row.Settings, row.Changed, row.Program
	if copy(g.digest[:], row.Digest) != sha256.Size {
		r.fail(fmt.Errorf("%w: digest of %d bytes", ipc.ErrState, len(row.Digest)))
	}
	if row.FD < 0 {
		return // nothing is started from it any more, only its processes are there
	}
	g.file = r.file(row.FD, firstHigh, row.Path)
	r.s.generations[g] = true
}

func (r *restorer) listener(lis *listener, row ipc.ListenerState) {
	lis.Socket = &listen.Socket{FD: r.keep(row.FD)}
	lis.address, lis.closeAt = row.Address, r.delayed(row.CloseAt)
	lis.lentTo = pick(r, r.processes, row.LentTo)
	if f := row.File; f != nil {
		lis.File = &listen.File{Path: f.Path, Dir: r.keep(f.Dir), Own: r.keep(f.Own)}
	}
	if row.Key != "" {
		r.s.listeners[row.Key] = lis
	}
}

func (r *restorer) group(g *portGroup, row ipc.GroupState) {
	g.steered = row.Steered
	for _, i := range row.Sockets {
		g.sockets = append(g.sockets, pick(r, r.listeners, i))
	}
	if row.Key != "" { // else its processes leave
		r.s.groups[row.Key] = g
	}
}

func (r *restorer) certificates(f *certificateFiles, row ipc.CertificateState) {
	f.worker, f.pairs, f.contents = row.Worker, row.Pairs, row.Contents
	f.read, f.seen, f.again = restoreStamps(row.Read), restoreStamps(row.Seen), row.Again
	if row.Key != "" { // else its processes leave
		r.s.certs[row.Key] = f
	}
}

func restoreStamps(rows map[string]ipc.FileStamp) map[string]stamp {
	stamps := map[string]stamp{}
	for path, row := range rows {
		stamps[path] = stamp{
			row.Dev, row.Ino, row.Size,
			unix.NsecToTimespec(row.Mtime), unix.NsecToTimespec(row.Ctime),
		}
	}
	return stamps
}

func (r *restorer) plan(row ipc.PlanState) plan {
	pl := plan{
		spec: row.Spec, gen: pick(r, r.generations, row.Generation),
		lis: pick(r, r.listeners, row.Listener), group: pick(r, r.groups, row.Group),
		certs: pick(r, r.certs, row.Certificates),
	}
	if id := row.Identity; id != nil {
		pl.ident = &identity{user: id.User, uid: id.UID, gid: id.GID, groups: id.Groups}
	}
	return pl
}

func (r *restorer) unit(u *unit, row ipc.UnitState) {
	u.plan, u.kicked, u.removed = r.plan(row.Plan), r.since(row.Kicked), row.Gone
	u.kickAt = r.delayed(row.KickAt)
	for _, i := range row.Slots {
		u.slots = append(u.slots, pick(r, r.slots, i))
	}
	u.exits = map[int]*exitCount{}
	for _, e := range row.Exits {
		u.exits[e.Status] = &exitCount{e.All, e.Unexpected}
	}
}

func (r *restorer) slot(sl *slot, row ipc.SlotState) {
	*sl = slot{
		unit: pick(r, r.units, row.Unit), number: row.Number, plan: r.plan(row.Plan),
		current: pick(r, r.processes, row.Current), leaving: r.all(row.Leaving),
		inner: map[string]*listener{}, rest: r.state(row.Rest), wait: r.delayed(row.Wait),
		crashes: row.Crashes, lastCause: row.LastCause, lastWords: row.LastWords,
		busySince: r.since(row.BusySince), renewAfter: r.delayed(row.RenewAfter),
	}
	for address, i := range row.Inner {
		sl.inner[address] = pick(r, r.listeners, i)
	}
}

func (r *restorer) state(name string) state {
	i := slices.Index(stateNames[:], name)
	if i < 0 {
		r.fail(fmt.Errorf("%w: state %q", ipc.ErrState, name))
	}
	return state(max(i, 0))
}

func (r *restorer) all(indexes []int) []*process {
	var ps []*process
	for _, i := range indexes {
		ps = append(ps, pick(r, r.processes, i))
	}
	return ps
}

func (r *restorer) process(p *process, row ipc.ProcessState) {
	*p = process{
		pid: row.PID, pidfd: -1, slot: pick(r, r.slots, row.Slot), plan: r.plan(row.Plan),
		state: r.state(row.State), link: r.link(row.Link), words: r.words(row.Words),
		started: r.since(row.Started), readyBy: r.delayed(row.ReadyBy),
		readyAt: row.ReadyAt, toldAt: r.since(row.ToldAt),
		yieldBy: r.delayed(row.YieldBy), yielded: row.Yielded, paced: row.Paced, pacing: row.Pacing,
		turn:     turnNamed(row.Turn),
		waitsFor: row.WaitsFor, killAt: r.delayed(row.KillAt), killed: row.Killed, late: row.Late,
		goodbye: row.Goodbye, failed: row.Failed, linkGone: row.Link.FD < 0,
		finished: row.Finished, inner: map[string]bool{}, lent: row.Lent,
		figures: row.Figures, answeredAt: r.delayed(row.AnsweredAt), spread: row.Spread, hung: row.Hung,
	}
	for _, address := range row.Inner {
		p.inner[address] = true
	}
	if e := row.Ended; e != nil {
		p.ended = &ended{e.Status, r.delayed(e.At)}
	}
	if p.finished {
		return
	}
	r.s.byLink[p.link], r.s.byPID[p.pid] = p, p
	if p.ended == nil {
		p.pidfd = r.openPidfd(p.pid)
	}
}

// openPidfd needs the process unreaped: its pid cannot be another's then.
func (r *restorer) openPidfd(pid int) int {
	pidfd, err := r.s.sys.pidfd(pid)
	if err == nil {
		return pidfd
	}
	if !r.rehearsal || !errors.Is(err, unix.ESRCH) { // there it may be gone meanwhile
		r.fail(fmt.Errorf("process %d: %w", pid, err))
	}
	return -1
}

func (r *restorer) watcher(row *ipc.WatcherState) {
	if row == nil {
		return
	}
	w := &r.s.watcher
	*w = watcher{
		pid: row.PID, started: r.since(row.Started), killAt: r.delayed(row.KillAt),
		crashes: row.Crashes, wait: r.delayed(row.Wait), done: row.Done,
	}
	if row.PID == 0 {
		return
	}
	w.link, w.words, w.pidfd = r.link(row.Link), r.words(row.Words), -1
	w.linkGone = row.Link.FD < 0
	if e := row.Ended; e != nil {
		w.ended = &ended{e.Status, r.delayed(e.At)}
	} else {
		w.pidfd = r.openPidfd(row.PID)
	}
}

func (r *restorer) link(row ipc.LinkState) *link {
	if row.FD < 0 {
		return newLink(nil, r.s.messages, r.s.gone)
	}
	conn := r.conn(row.FD)
	l := newLink(conn, r.s.messages, r.s.gone)
	if conn == nil {
		return l
	}
	conn.Resume(row.Partial)
	for _, rec := range row.Out {
		l.out = append(l.out, outgoing{rec.Record, r.keep(rec.FD)})
	}
	return l
}

func (r *restorer) words(row ipc.WordsState) *lastWords {
	var pipe *os.File
	if row.FD >= 0 {
		pipe = r.file(row.FD, 3, "standard error")
	}
	to := r.s.sys.stderr
	if row.Quiet {
		to = io.Discard
	}
	w := newLastWords(pipe, to, r.s.poke)
	w.text, w.said, w.head, w.found = row.Text, row.Said, row.Head, row.Found
	if pipe != nil {
		r.s.words[w] = true
	}
	return w
}
