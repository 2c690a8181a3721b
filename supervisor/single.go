package supervisor

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// A service that is one process (start --single) has the parts of the master that
// are seen from outside, and no other: the files of the run directory, the control
// socket, the listeners, the signals. The loop of the Workers runs on a goroutine
// of the same process, which takes the place of the only worker process; the two
// talk over a link as ever.

// aloneName stands for the one process in log lines and lists.
const aloneName = "single"

// RefusedSingle answers the commands that replace processes.
const RefusedSingle = "this service is one process (start --single), " +
	"which cannot be replaced while it runs: stop it and start it again"

// servedAlone are the commands that one process answers.
var servedAlone = map[string]bool{
	ipc.CommandPing: true, ipc.CommandStatus: true, ipc.CommandConnections: true,
	ipc.CommandStop: true,
}

// alone is what the only process adds to a Supervisor. It belongs to the loop.
type alone struct {
	interrupts int         // INT and TERM so far
	forced     bool        // the loop of the Workers is not waited for
	asked      atomic.Bool // by Stop; any goroutine
}

// Single is a service in this process. Its methods are called by the goroutine
// that runs the loop of the Workers.
type Single struct {
	s       *Supervisor
	signals func() // gives them back
	told    ipc.WorkerHandover
	link    *ipc.Conn // the end of the Workers
	fds     []int
	over    chan struct{} // closed when nothing of the service is left
}

// OpenSingle begins a service of what the apps have declared in this process:
// the lock, the log, the listeners, the control socket and the pid file. After an
// error nothing of it is left. When the loop of the Workers does not end in time,
// or a second SIGINT or SIGTERM says that it shall not be waited for, abandon is
// called by another goroutine, after the service was closed; it must end the
// process.
func OpenSingle(cfg Config, declared []*ipc.Specs, abandon func(code int)) (*Single, error) {
	if err := cfg.Dir.Check(); err != nil {
		return nil, err
	}
	lock, err := rundir.AcquireLock(cfg.Dir.Lock)
	if errors.Is(err, rundir.ErrLocked) {
		return nil, ErrRunning
	}
	if err != nil {
		return nil, err
	}
	if otherServes(cfg) {
		lock.Release()
		return nil, ErrRunning
	}
	s := newSupervisor(cfg, realSystem())
	s.alone, s.lock = new(alone), lock
	s.sys.kill = func(int, unix.Signal) error { s.force(); return nil }
	o := &Single{s: s, over: make(chan struct{})}
	o.signals = s.catchSignals()
	if err := o.open(declared); err != nil {
		o.undo(err)
		return nil, err
	}
	go o.run(abandon) // ends with the service
	return o, nil
}

// open makes everything but the loop of the Workers.
func (o *Single) open(declared []*ipc.Specs) error {
	s := o.s
	s.started, s.startedBy = s.sys.now(), s.starter()
	s.lastNumber = 1
	s.gen = &generation{number: 1, path: s.cfg.Executable, root: appsRoot(s.cfg.Executable)}
	for _, app := range declared {
		s.gen.specs = append(s.gen.specs, app.Specs...)
		s.gen.settings = mergeSettings(s.gen.settings, app.Settings)
	}
	s.settings = s.gen.settings
	if err := checkSpecs(s.gen.specs); err != nil {
		return err
	}
	if err := s.openFiles(); err != nil {
		return err
	}
	s.reduce(s.gen.specs)
	units, err := s.unitsOf(s.gen, s.obtain)
	if err != nil {
		return err
	}
	s.units = units
	if err := o.seat(); err != nil {
		return err
	}
	if err := s.openControl(); err != nil {
		return err
	}
	return rundir.WritePidFile(s.pidFile, os.Getpid())
}

// reduce takes from the Specs what needs processes, and logs what an author might
// miss.
func (s *Supervisor) reduce(specs []ipc.Spec) {
	if s.settings.Daemonize {
		s.logf("worker.Settings.Daemonize is left aside: one process stays in its terminal")
	}
	for i := range specs {
		spec := &specs[i]
		if spec.Count > 1 {
			s.logf("worker %s: Count %d is 1 in one process", spec.Key, spec.Count)
		}
		if user := firstSet(spec.User, spec.Group); user != "" && !switchesNobody(*spec) {
			s.logf("worker %s: runs as %s, one process does not switch to %s",
				spec.Key, masterUser(), user)
		}
		if limited(*spec) {
			s.logf("worker %s: HangTimeout, MaxAge, MaxRequests and MaxMemory do nothing "+
				"in one process", spec.Key)
		}
		spec.Count, spec.User, spec.Group, spec.Essential = 1, "", "", false
		spec.HangTimeout, spec.MaxAge, spec.MaxRequests, spec.MaxMemory = 0, 0, 0, 0
	}
}

// switchesNobody tells whether the process is the user already.
func switchesNobody(spec ipc.Spec) bool {
	ident, err := resolveIdentity(spec.User, spec.Group)
	return ident == nil && err == nil
}

// seat makes the slot of the one process, and what it is handed over: the first
// unit has it, the others have none.
func (o *Single) seat() error {
	s := o.s
	spec := s.units[0].spec
	spec.Key, spec.Name, spec.Listen = aloneName, aloneName, ""
	for _, u := range s.units {
		spec.StopTimeout = max(spec.StopTimeout, u.spec.StopTimeout)
		if u != s.units[0] {
			spec.Files = append(spec.Files[:len(spec.Files):len(spec.Files)], u.spec.Files...)
		}
	}
	spec.StopLast = false
	spec.StopTimeout = s.stopTimeout(spec)
	pl := plan{spec: spec, gen: s.gen}
	sl := &slot{unit: &unit{plan: pl, exits: map[int]*exitCount{}}, plan: pl,
		inner: map[string]*listener{}}
	s.units[0].slots = []*slot{sl}
	conn, there, err := ipc.Pair()
	if err != nil {
		return err
	}
	if o.link, err = ipc.FromDescriptor(there); err != nil {
		conn.Close()
		return err
	}
	p := &process{
		pid: os.Getpid(), pidfd: -1, slot: sl, plan: pl, words: newLastWords(nil, nil, nil),
		link: openLink(conn, s.messages, s.gone), started: s.sys.now(), inner: map[string]bool{},
	}
	p.step(spawned)
	sl.current, s.byLink[p.link], s.byPID[p.pid] = p, p, p
	if len(spec.Files) > 0 {
		p.link.send(s.allCertificates()) // before anything else, as to every process
	}
	o.told = ipc.WorkerHandover{
		Spec: spec, Generation: 1, Seated: true, Debug: true, Listener: -1,
	}
	return o.duplicate()
}

// duplicate makes the descriptors of the Workers their own: each side closes its.
func (o *Single) duplicate() error {
	for _, u := range o.s.units {
		fd, lis := -1, u.plan.listener(0)
		if lis != nil {
			var err error
			if fd, err = unix.FcntlInt(uintptr(lis.FD), unix.F_DUPFD_CLOEXEC, 3); err != nil {
				return fmt.Errorf("duplicate listener: %w", err)
			}
		}
		o.fds = append(o.fds, fd)
	}
	return nil
}

// Handover returns what the loop of the Workers is started with: its end of the
// link, what a worker process is told, and the listeners, -1 for none, in the
// order of declaration. All of it is the caller's then.
func (o *Single) Handover() (*ipc.Conn, *ipc.WorkerHandover, []int) {
	return o.link, &o.told, o.fds
}

// Stop stops the service as SIGTERM would. Any goroutine may call it, more than
// once.
func (o *Single) Stop() {
	o.s.alone.asked.Store(true)
	o.s.poke()
}

// tendAlone does what Stop asks for.
func (s *Supervisor) tendAlone() {
	if s.alone != nil && s.alone.asked.Load() && s.phase < leaving {
		s.leave(false)
	}
}

// Close ends the service after the loop of the Workers has ended with the exit
// status code, and waits until nothing of it is left. The error says why the
// start failed, if it did.
func (o *Single) Close(code int) error {
	select {
	case o.s.exits <- exit{os.Getpid(), code << 8}:
	case <-o.over:
	}
	<-o.over
	return o.s.err
}

// run is the loop of the service.
func (o *Single) run(abandon func(code int)) {
	s := o.s
	s.phase = filling
	// The loop answers with why a start failed, which Close returns.
	_ = s.run()
	o.signals()
	s.lock.Release()
	close(o.over)
	if s.alone.forced {
		abandon(ipc.CodeFailed)
	}
}

// undo takes a failed start back.
func (o *Single) undo(err error) {
	s := o.s
	if s.log != nil {
		s.log.Record(os.Getpid(), fmt.Sprintf("start failed: %v", err))
	}
	s.err = err
	s.rememberStop()
	s.closeListeners()
	for _, fd := range o.fds {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	for _, p := range s.byPID {
		p.link.close()
	}
	if o.link != nil {
		o.link.Close()
	}
	close(s.gone)
	if s.pidFile != "" {
		rundir.RemovePidFile(s.pidFile, os.Getpid())
	}
	if s.log != nil {
		s.log.Close()
	}
	s.closeControl()
	o.signals()
	s.lock.Release()
}

// endAlone ends the service with its process.
func (s *Supervisor) endAlone(p *process) {
	if s.phase == filling {
		s.failStart(errors.New(p.reason()))
		return
	}
	s.leave(false)
}

// force gives the loop of the Workers up: it is the end of the process.
func (s *Supervisor) force() {
	for _, p := range s.byPID {
		if p.ended == nil {
			s.alone.forced, p.killed, p.linkGone = true, true, true
			p.ended = &ended{status: ipc.CodeFailed << 8, at: s.sys.now()}
		}
	}
}

// onSignalAlone is onSignal where one process differs; it reports whether the
// signal is done with.
func (s *Supervisor) onSignalAlone(sig os.Signal) bool {
	switch sig {
	case unix.SIGINT, unix.SIGTERM:
		s.alone.interrupts++
		if s.alone.interrupts > 1 {
			s.logf("ends at once, as it was told to for the second time")
			s.force()
			return true
		}
	case unix.SIGUSR1, unix.SIGUSR2:
		s.logf("%s", RefusedSingle)
		return true
	}
	return false
}

// describeAlone gives each Worker a row of its own, since that is what people look
// for. The first one has the figures of the process.
func (s *Supervisor) describeAlone(snap *ipc.Snapshot) {
	snap.Mode = ipc.ModeSingle
	if len(snap.Processes) == 0 {
		return
	}
	one, shares := snap.Processes[0], s.byPID[snap.Processes[0].PID].shares
	snap.Processes = nil
	rest := one.Connections
	for i, w := range snap.Workers {
		row := one
		if i > 0 {
			row.Shares, row.Memory = true, 0
			row.Figures = ipc.Figures{Busy: one.Busy}
		}
		row.Key, row.Worker, row.Listen = w.Key, w.Name, w.Listen
		if shares != nil {
			row.Connections = shares[w.Key]
		}
		rest -= row.Connections
		snap.Processes = append(snap.Processes, row)
	}
	// Dialled ones, and those of Worker.Listen, belong to none of the rows.
	snap.Processes[0].Connections += max(rest, 0)
}

// allCertificates is what the one process is given: the files of all Workers.
func (s *Supervisor) allCertificates() *ipc.Files {
	all := map[string][]byte{}
	for _, files := range s.certs {
		maps.Copy(all, files.contents)
	}
	return &ipc.Files{Files: all}
}

// AppsRoot is the folder that the source folders of the apps of an executable are
// relative to.
func AppsRoot(executable string) string { return appsRoot(executable) }
