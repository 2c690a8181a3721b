package supervisor

import (
	"fmt"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// An upgrade to a file makes a copy of it the binary of the service. The copy is
// made before the exec, where a full disk still refuses the upgrade, and renamed
// behind it.

// notInstalled says that what runs is not what the service begins with.
func notInstalled(as string, err error) string {
	return fmt.Sprintf("%s could not become its binary: %v\n"+
		"the next reload or restart begins with the old one", as, err)
}

// copyForService makes the copy, before anything has changed.
func (u *upgrade) copyForService() (*staged, error) {
	copied, err := u.gen.stageSynced(u.install)
	if err != nil {
		return nil, fmt.Errorf("install %s: %w", u.install, err)
	}
	return copied, nil
}

// installCopy gives the copy its name. An image before that knew of no copies has
// made none; then it is made here.
func (u *upgrade) installCopy() error {
	if u.install == "" {
		return nil
	}
	st := u.staged
	u.staged = nil
	if st == nil {
		running, err := openGeneration(ownExecutable)
		if err != nil {
			return err
		}
		defer running.close()
		if st, err = running.stage(u.install); err != nil {
			return err
		}
	}
	return st.install(u.install)
}

// installOnly ends an upgrade to the binary that runs: what is left of it is that
// the service begins with it.
func (s *Supervisor) installOnly(u *upgrade, now time.Time) {
	const already = "the master already runs this binary"
	if u.install == "" {
		s.endUnneeded(u, already)
		return
	}
	u.began = s.sys.now()
	u.stage, u.limit = copying, now.Add(verifyTimeout)
	var copied *staged
	var err error
	s.sendErrand(u.gen.path, func() { copied, err = u.image.stageSynced(u.install) }, func() {
		if s.upgrade != u {
			copied.discard()
			return
		}
		made := err == nil && copied.path != ""
		if err == nil {
			err = copied.install(u.install)
		}
		switch {
		case err != nil:
			s.refuseUpgrade(u, fmt.Errorf("%s, but %s could not become its binary: %w",
				already, u.install, err))
		case made:
			text := fmt.Sprintf("%s, and %s is a copy of it now", already, u.install)
			s.logf("%s%s", text, askedBy(u.by))
			s.rememberUpgrade(u, ipc.CodeDone, text, "binary installed")
			s.endUnneeded(u, text)
		default:
			s.endUnneeded(u, already)
		}
	})
}

// endUnneeded answers whoever asked for what runs.
func (s *Supervisor) endUnneeded(u *upgrade, text string) {
	s.upgrade = nil
	s.answerUpgrade(u, ipc.CodeDone, text)
	s.poke() // for what waits
}

// slowDisk says what takes too long in the stages that read and copy.
func (u *upgrade) slowDisk() string {
	if u.install == "" {
		return u.gen.path + " could not be read"
	}
	return fmt.Sprintf("%s could not be read and copied to %s", u.gen.path, u.install)
}

func (st *staged) save() *ipc.StagedState {
	switch {
	case st == nil:
		return nil
	case st.path == "":
		return &ipc.StagedState{FD: -1}
	}
	return &ipc.StagedState{Path: st.path, FD: ipc.DescriptorOf(st.file)}
}

func (r *restorer) staged(row *ipc.StagedState) *staged {
	switch {
	case row == nil:
		return nil
	case row.Path == "":
		return &staged{}
	}
	return &staged{path: row.Path, file: r.file(row.FD, firstHigh, row.Path)}
}
