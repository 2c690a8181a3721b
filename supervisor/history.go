package supervisor

import (
	"fmt"
	"os"
	"strings"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// remember appends an entry to wm.history. The time that it began is its
// caller's to fill in; what else every entry has is filled in here.
func (s *Supervisor) remember(e rundir.HistoryEntry) {
	if s.history == nil {
		return // before the log is open the terminal alone is told
	}
	e.MasterPID = os.Getpid()
	e.Duration = s.sys.now().Sub(e.Time)
	if e.Generation == 0 && s.gen != nil {
		e.Generation = s.gen.number
	}
	s.history.Add(e)
}

// openHistory begins the history; s.log is open.
func (s *Supervisor) openHistory() {
	log := s.log
	s.history = rundir.OpenHistory(s.cfg.Dir.History, func(err error) {
		log.Write(os.Getpid(), err.Error())
	})
}

// closeHistory waits a moment for what is not written yet.
func (s *Supervisor) closeHistory() {
	if s.history != nil {
		s.history.Close()
		s.history = nil
	}
}

// starter is the command that this master belongs to: its parent as a daemon,
// and otherwise itself.
func (s *Supervisor) starter() rundir.Asker {
	by := rundir.Asker{UID: os.Getuid(), PID: os.Getpid()}
	if s.cfg.Daemon {
		by.PID = os.Getppid()
	}
	return by
}

// rememberStart notes the start, with what became of the master before.
func (s *Supervisor) rememberStart(code int, text string) {
	entry := rundir.HistoryEntry{
		Time: s.started, What: "start", By: []rundir.Asker{s.startedBy}, Code: code, Text: text,
	}
	if code == ipc.CodeDone {
		entry.Changed = fmt.Sprintf("%s started", processes(len(s.byPID)))
	}
	if s.died != 0 {
		entry.Text = joinLines(entry.Text,
			fmt.Sprintf("the master before, pid %d, did not stop in order", s.died))
	}
	s.remember(entry)
}

// rememberReload notes a reload that has ended, however.
func (s *Supervisor) rememberReload(r *reload, code int, text string) {
	began := r.began
	if began.IsZero() {
		began = s.sys.now() // it never had its turn
	}
	entry := rundir.HistoryEntry{Time: began, What: "reload", By: r.by, Code: code, Text: text}
	if r.stage == settling {
		entry.Generation = r.gen.number
		entry.Changed = r.did + killedWords(r.leaves)
	}
	s.remember(entry)
}

// rememberUpgrade notes an upgrade that has ended, however. One that a reload
// needs belongs to that, but for commands that have joined it.
func (s *Supervisor) rememberUpgrade(u *upgrade, code int, text, changed string) {
	by := u.by
	if u.then != nil && code != ipc.CodeDone {
		by = by[min(len(u.then.by), len(by)):]
		if len(by) == 0 {
			return // the reload says why
		}
	}
	began := u.began
	if began.IsZero() {
		began = s.sys.now()
	}
	s.remember(rundir.HistoryEntry{
		Time: began, What: "upgrade", By: by, Code: code, Text: text, Changed: changed,
	})
}

// rememberRefused notes a change that a command has asked for in vain, before it was
// an operation.
func (s *Supervisor) rememberRefused(r *request, text string) {
	switch r.Command {
	case ipc.CommandReload, ipc.CommandUpgrade:
		s.remember(rundir.HistoryEntry{
			Time: s.sys.now(), What: r.Command, By: []rundir.Asker{r.asker()},
			Code: ipc.CodeFailed, Text: text,
		})
	}
}

// stopAsked notes who asked for the stop under way, or for the one that follows.
func (s *Supervisor) stopAsked(by rundir.Asker) {
	s.stopBy = append(s.stopBy, by)
}

// rememberStop writes the last entry of this master.
func (s *Supervisor) rememberStop() {
	if s.history == nil {
		return
	}
	entry := rundir.HistoryEntry{Time: s.stopBegan, What: "stop", By: s.stopBy}
	entry.Text = strings.TrimPrefix(killedWords(s.left), "; ")
	switch {
	case !s.served && s.err == nil:
		s.rememberStart(ipc.CodeFailed, "stopped before it was ready")
	case !s.served:
		s.rememberStart(ipc.CodeFailed, s.err.Error())
	case s.err != nil:
		entry.What, entry.Code, entry.By = "end", ipc.CodeFailed, nil
		entry.Text = joinLines(s.err.Error(), entry.Text)
		s.remember(entry)
	default:
		entry.Changed = processes(len(s.left)) + " stopped"
		s.remember(entry)
	}
	s.closeHistory()
}

func joinLines(lines ...string) string {
	var set []string
	for _, l := range lines {
		if l != "" {
			set = append(set, l)
		}
	}
	return strings.Join(set, "\n")
}

// askedBy names who asked, for the log; empty when nobody did.
func askedBy(by []rundir.Asker) string {
	const named = 3
	if len(by) == 0 {
		return ""
	}
	var words []string
	for _, a := range by[:min(len(by), named)] {
		words = append(words, a.String())
	}
	if more := len(by) - named; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return " (asked by " + strings.Join(words, "; ") + ")"
}
