package supervisor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/workerman-go/wm/rundir"
)

// ownFiles are the files of the run directory by which commands find the master:
// the lock, the control socket and the pid file. Whatever cleans folders may
// remove them, and then nobody could tell the service anything any more, or a
// second one could start beside it.
type ownFiles struct {
	next time.Time         // look
	told map[string]string // what wm.log says of a file that is not well, by path
}

// ownFile is one of them.
type ownFile struct {
	path     string
	standing func() rundir.Standing
	restore  func() error
}

// tendOwnFiles looks at the files and makes again what is gone. What others have
// put in their place is told, and left alone.
func (s *Supervisor) tendOwnFiles(now time.Time) {
	up := s.phase == filling || s.phase == serving || s.phase == leaving
	if !up || s.err != nil || s.control == nil || s.lock == nil || now.Before(s.ownFiles.next) {
		return
	}
	s.ownFiles.next = now.Add(rundir.RestoreEvery)
	for _, f := range []ownFile{
		{s.cfg.Dir.Lock, s.lock.Standing, s.lock.Restore},
		{s.cfg.Dir.Socket, s.control.standing, s.control.bindAgain},
		{s.pidFile, s.pidFileStanding, s.writePidFile},
	} {
		s.tendOwnFile(f)
	}
}

func (s *Supervisor) tendOwnFile(f ownFile) {
	name := s.nameInLog(f.path)
	switch f.standing() {
	case rundir.Own:
		delete(s.ownFiles.told, f.path)
	case rundir.Foreign:
		s.tellOwnFile(f.path, s.foreignText(f.path))
	case rundir.Missing:
		err := s.cfg.Dir.MayRestore()
		if err == nil {
			err = f.restore()
		}
		switch {
		case errors.Is(err, errPaused): // soon
		case err != nil:
			s.tellOwnFile(f.path, fmt.Sprintf("%s was removed and cannot be made again: %v", name, err))
		default:
			delete(s.ownFiles.told, f.path)
			s.logf("%s was removed, it is made again", name)
		}
	}
}

// foreignText says what it means that somebody else's file has the name of an
// own one.
func (s *Supervisor) foreignText(path string) string {
	name := s.nameInLog(path)
	if path != s.cfg.Dir.Lock {
		return name + " was replaced by another file, which stays: commands may not find this service"
	}
	if held, err := rundir.Held(path); held && err == nil {
		return fmt.Sprintf("ANOTHER MASTER holds %s: two services run in %s, stop one of them "+
			"(this one: kill -TERM %d)", name, s.cfg.Dir.Path, os.Getpid())
	}
	return name + " was replaced by another file, which stays: remove it, and it is made again"
}

// tellOwnFile writes a line to the log, once for as long as it is true.
func (s *Supervisor) tellOwnFile(path, text string) {
	if s.ownFiles.told[path] == text {
		return
	}
	if s.ownFiles.told == nil {
		s.ownFiles.told = map[string]string{}
	}
	s.ownFiles.told[path] = text
	s.logf("%s", text)
}

func (s *Supervisor) pidFileStanding() rundir.Standing {
	return rundir.PidFileStanding(s.pidFile, os.Getpid())
}

func (s *Supervisor) writePidFile() error { return rundir.WritePidFile(s.pidFile, os.Getpid()) }

// nameInLog is short for what lies in the run directory.
func (s *Supervisor) nameInLog(path string) string {
	if filepath.Dir(path) == s.cfg.Dir.Path {
		return filepath.Base(path)
	}
	return path
}

const (
	// partingTime is what a master may take from removing its lock file to
	// closing it.
	partingTime  = time.Second
	partingEvery = 10 * time.Millisecond
)

// otherServes tells whether another master of the run directory lives although
// its lock file was removed. Called by who has just got the lock.
func otherServes(cfg Config) bool {
	pidFile := firstSet(cfg.PidFile, cfg.Dir.PidFile)
	title := rundir.MasterTitle(cfg.Program, cfg.Executable)
	for deadline := time.Now().Add(partingTime); ; time.Sleep(partingEvery) {
		if cfg.Dir.LostLock(pidFile, title) == 0 {
			return false
		}
		if time.Now().After(deadline) {
			return true
		}
	}
}
