package supervisor

import (
	"os/user"
	"runtime"
	"slices"
	"strconv"

	"github.com/shirou/gopsutil/v3/load"
	gopsprocess "github.com/shirou/gopsutil/v3/process"
	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// snapshot is the state of the service as the loop knows it.
func (s *Supervisor) snapshot() *ipc.Snapshot { return s.snapshotMissing(nil) }

// snapshotMissing marks the processes that did not answer in time.
func (s *Supervisor) snapshotMissing(missing map[*process]bool) *ipc.Snapshot {
	snap := &ipc.Snapshot{
		Schema: ipc.SchemaVersion, Program: s.cfg.Program, Version: s.cfg.Version, WM: s.cfg.WM,
		Go: runtime.Version(), Mode: "DEBUG", State: s.stateWord(),
		MasterPID: unix.Getpid(), Executable: s.cfg.Executable,
		PidFile: s.pidFile, LogFile: s.log.Path(), RunDir: s.cfg.Dir.Path,
		StdoutFile: s.stdoutFile(), Generation: s.gen.number,
		Started: s.started, Taken: s.sys.now(), DroppedLogLines: s.droppedLines(),
		Workers: []ipc.WorkerRow{}, Exits: []ipc.ExitRow{}, Processes: []ipc.ProcessRow{},
	}
	if s.cfg.Daemon {
		snap.Mode = "DAEMON"
	}
	if avg, err := load.Avg(); err == nil {
		snap.Load = []float64{avg.Load1, avg.Load5, avg.Load15}
	}
	for _, u := range s.units {
		snap.Workers = append(snap.Workers, u.row())
		snap.Exits = append(snap.Exits, u.exitRows()...)
		for _, sl := range u.slots {
			if sl.state() == backoff {
				snap.Processes = append(snap.Processes, sl.backoffRow())
			}
		}
	}
	for _, u := range s.removed {
		snap.Exits = append(snap.Exits, u.exitRows()...)
	}
	for _, p := range s.byPID {
		if p.ended == nil {
			snap.Processes = append(snap.Processes, s.processRow(p, missing[p]))
		}
	}
	slices.SortStableFunc(snap.Processes, func(a, b ipc.ProcessRow) int { return a.PID - b.PID })
	if s.alone != nil {
		s.describeAlone(snap)
	}
	return snap
}

// stateWord is the phase in the words of status.
func (s *Supervisor) stateWord() string {
	switch {
	case s.phase == leaving:
		return "stopping"
	case s.phase < serving:
		return "starting"
	case s.reloading():
		return "reloading"
	}
	return "running"
}

func (u *unit) row() ipc.WorkerRow {
	row := ipc.WorkerRow{
		Key: u.spec.Key, App: u.spec.App, Name: u.spec.Name, Listen: u.spec.Listen,
		Transport: u.spec.Transport, Protocol: u.spec.Protocol,
		User: u.spec.User, Count: u.spec.Count, Kept: !u.spec.Reloadable,
	}
	if row.User == "" {
		row.User = masterUser()
	}
	return row
}

func (u *unit) exitRows() []ipc.ExitRow {
	var rows []ipc.ExitRow
	for status, c := range u.exits {
		w := unix.WaitStatus(status)
		row := ipc.ExitRow{
			Key: u.spec.Key, Name: u.spec.Name, Status: status, Code: w.ExitStatus(),
			Count: c.all, Unexpected: c.unexpected,
		}
		if w.Signaled() {
			row.Signal = unix.SignalName(w.Signal())
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b ipc.ExitRow) int { return a.Status - b.Status })
	return rows
}

// backoffRow stands for a slot that waits before its next try.
func (sl *slot) backoffRow() ipc.ProcessRow {
	return ipc.ProcessRow{
		Key: sl.plan.spec.Key, Worker: sl.plan.spec.Name, Slot: sl.number,
		Listen: sl.plan.spec.Listen, State: backoff.String(), Generation: sl.plan.gen.number,
		Answered: true, NextTry: sl.wait, Crashes: sl.crashes,
		LastCause: sl.lastCause, LastWords: sl.lastWords,
	}
}

// stateOf is the state of a process in the words of status: who leaves while the
// service goes on is draining.
func (s *Supervisor) stateOf(p *process) string {
	if p.state == stopping && s.phase != leaving {
		return "draining"
	}
	return p.state.String()
}

func (s *Supervisor) processRow(p *process, silent bool) ipc.ProcessRow {
	row := ipc.ProcessRow{
		PID: p.pid, Key: p.plan.spec.Key, Worker: p.plan.spec.Name, Slot: p.slot.number,
		Listen: p.plan.spec.Listen, State: s.stateOf(p), Generation: p.plan.gen.number,
		Version: p.plan.gen.program, WM: p.plan.gen.version,
		Started: p.started, Age: s.sys.now().Sub(p.started),
		Memory: privateMemory(p.pid), Answered: !silent,
		Figures: p.figures,
	}
	if p.state == stopping {
		row.ToldAt, row.KillAt, row.WaitsFor = p.toldAt, p.killAt, p.waitsFor
	}
	if silent {
		since := p.answeredAt
		if since.IsZero() {
			since = p.started
		}
		row.Silent = s.sys.now().Sub(since)
	}
	return row
}

// privateMemory is what the process uses without the binary: resident less
// shared pages, which the kernel counts as RssAnon. 0 when it is gone.
func privateMemory(pid int) int64 {
	p := gopsprocess.Process{Pid: int32(pid)}
	mem, err := p.MemoryInfoEx()
	if err != nil || mem.RSS < mem.Shared {
		return 0
	}
	return int64(mem.RSS - mem.Shared)
}

// masterUser is whom processes without a user of their own run as.
func masterUser() string {
	uid := strconv.Itoa(unix.Geteuid())
	if u, err := user.LookupId(uid); err == nil {
		return u.Username
	}
	return uid
}
