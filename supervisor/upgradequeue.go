package supervisor

import (
	"fmt"
	"slices"

	"github.com/workerman-go/wm/ipc"
)

// Upgrades are done one after the other, in the order in which they were asked
// for: each command hears what became of its own binary, and the one that was
// asked for last is what runs at the end.

// maxUpgrades bounds those that wait: each holds an executable open, also when
// its command has gone. So many commands may be connected at once.
const maxUpgrades = maxControls

// requestUpgrade lets u wait for its turn, or joins it to the one before when
// that is of the same binary: the executable is not changed before the loop
// looks at its requests again.
func (s *Supervisor) requestUpgrade(u *upgrade) {
	last := s.upgrade
	if n := len(s.upgrades); n > 0 {
		last = s.upgrades[n-1]
	}
	switch {
	case s.phase == leaving || s.phase == over:
		s.rejectUpgrade(u, stoppingText)
	case last.canTake(u):
		u.tell("joins " + last.title())
		last.join(u)
	case len(s.upgrades) >= maxUpgrades:
		s.rejectUpgrade(u, fmt.Sprintf("%d upgrades wait already", maxUpgrades))
	default:
		if before := s.ahead(); before != "" {
			u.tell("waits for " + before)
		}
		s.upgrades = append(s.upgrades, u)
	}
}

// rejectUpgrade ends one that may not wait.
func (s *Supervisor) rejectUpgrade(u *upgrade, text string) {
	s.rememberUpgrade(u, ipc.CodeFailed, text, "")
	s.answerUpgrade(u, ipc.CodeFailed, text)
}

// canTake tells whether other may join u.
func (u *upgrade) canTake(other *upgrade) bool {
	return u != nil && u.gen.digest == other.gen.digest && u.install == other.install
}

// join lets those who wait for other wait for u.
func (u *upgrade) join(other *upgrade) {
	u.waiters = append(u.waiters, other.waiters...)
	u.by = append(u.by, other.by...)
	other.waiters = nil
	other.close()
}

// ahead is what an operation that is asked for now has to wait for, if anything
// that has a name.
func (s *Supervisor) ahead() string {
	switch n := len(s.upgrades); {
	case n > 0:
		return s.upgrades[n-1].title()
	case s.upgrade != nil:
		return s.upgrade.title()
	case s.roll != nil:
		return s.roll.title()
	}
	return ""
}

// title names an upgrade for those who wait for it.
func (u *upgrade) title() string { return "the upgrade to " + u.gen.path }

// upgradeFor begins an upgrade because a reload's binary is of another wm
// version. The reload is queued again in the new image, or refused with it. No
// upgrade is under way while a reload is.
func (s *Supervisor) upgradeFor(r *reload) {
	s.roll = nil
	s.lastNumber-- // it begins again
	r.gen.number, r.stage = 0, waiting
	r.tell(ipc.Progress{Kind: "note", Text: fmt.Sprintf(
		"the binary is of wm %s, the master of %s: it is upgraded first", r.gen.version, s.cfg.WM)})
	s.beginUpgrade(&upgrade{gen: r.gen, by: slices.Clone(r.by), then: r})
}

// otherImage tells whether a reload's binary needs a master of its own version.
func (s *Supervisor) otherImage(r *reload) bool {
	return s.cfg.WM != "" && r.renewal == nil && r.gen.version != s.cfg.WM
}

func (s *Supervisor) refuseReload(r *reload, err error) {
	text := fmt.Sprintf(
		"the master cannot be upgraded to its wm version: %v\nnothing was changed", err)
	s.endReload(r, ipc.CodeFailed, text)
}

// answerUpgrade ends the wait of everybody who asked for it, and gives it back.
func (s *Supervisor) answerUpgrade(u *upgrade, code int, text string) {
	u.answer(code, text)
	if u.then == nil {
		delete(s.generations, u.gen) // there when it has waited over an exec
	}
	u.close()
}

func (u *upgrade) answer(code int, text string) {
	for _, w := range u.waiters {
		w.finish(code, text)
	}
	u.waiters = nil
}

// cancelUpgrades answers those who wait for one that a stop has overtaken.
func (s *Supervisor) cancelUpgrades() {
	all := s.upgrades
	if s.upgrade != nil {
		all = append([]*upgrade{s.upgrade}, all...)
		if s.control != nil {
			s.control.thaw()
		}
	}
	for _, u := range all {
		s.endRehearsal(u)
		s.cancel(u.then, stoppingText)
		s.rememberUpgrade(u, ipc.CodeFailed, stoppingText, "")
		s.answerUpgrade(u, ipc.CodeFailed, stoppingText)
	}
	s.upgrade, s.upgrades = nil, nil
}

// tell passes progress on to everybody who waits.
func (u *upgrade) tell(text string) {
	p := ipc.Progress{Kind: "note", Text: text}
	for _, w := range u.waiters {
		w.reply(&p)
	}
	if u.then != nil {
		u.then.tell(p)
	}
}
