package supervisor

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// rehearsal is the new image as a child, which reads a copy of the state. Once
// it has, it stays until the end of its link: while it runs the kernel lets
// nobody write to its file.
type rehearsal struct {
	pid      int
	pidfd    int
	began    time.Time
	took     time.Duration // until it had read the state
	link     *link
	words    *lastWords
	adopted  *ipc.Adopted
	failed   *ipc.Failed
	late     bool
	ended    *ended
	linkGone bool
}

// rehearse starts the new image as a child.
func (s *Supervisor) rehearse(u *upgrade, now time.Time) error {
	upgradeStep("rehearse")
	st := s.save(false)
	if err := s.enoughForImage(st); err != nil {
		return err
	}
	memfd, err := writeState(st)
	if err != nil {
		return err
	}
	defer unix.Close(memfd)
	got, err := s.sys.start(launch{
		gen:   u.gen,
		title: s.cfg.Program + ": rehearsal",
		handover: s.cfg.adoptHandover(ipc.RoleRehearsal,
			&ipc.AdoptHandover{State: memfd, Image: -1}),
		environ:  s.cfg.environ(),
		quiet:    true,
		listener: -1,
		same:     append(st.Descriptors(), memfd),
	})
	if err != nil {
		return fmt.Errorf("rehearse %s: %w", u.gen.path, err)
	}
	u.child = &rehearsal{
		pid: got.pid, pidfd: got.pidfd, began: s.sys.now(),
		link:  openLink(got.link, s.messages, s.gone),
		words: s.listenTo(got.words, io.Discard),
	}
	u.stage, u.limit = rehearsing, now.Add(rehearsalTimeout)
	u.tell("the new binary rehearses")
	return nil
}

// onRehearsalMessage takes what the rehearsal says.
func (s *Supervisor) onRehearsalMessage(r *rehearsal, m linkMessage) {
	switch m := m.m.(type) {
	case nil:
		r.linkGone = true
		r.link.close()
	case *ipc.Adopted:
		r.adopted, r.took = m, s.sys.now().Sub(r.began)
	case *ipc.Failed:
		r.failed = m
	}
}

// tendRehearsal goes on when the child has said that it can, and returns why
// it cannot.
func (s *Supervisor) tendRehearsal(u *upgrade, now time.Time) error {
	r := u.child
	switch {
	case r.ended != nil:
		pipesDone := r.linkGone && r.words.ended()
		if !pipesDone && now.Before(r.ended.at.Add(pipeTimeout)) {
			return nil
		}
		return r.verdict(u)
	case r.adopted != nil && r.took > adoptTimeout:
		return fmt.Errorf("rehearsal of %s: it took %v until it had read the state, "+
			"most likely %s; the master may stand still for %v",
			u.gen.path, r.took.Round(10*time.Millisecond), beforeApps, adoptTimeout)
	case r.adopted != nil:
		upgradeStep("verify")
		u.stage, u.limit = verifying, now.Add(verifyTimeout)
		s.verify(u)
	case !r.late && !now.Before(u.limit):
		r.late = true
		s.sys.kill(r.pidfd, unix.SIGKILL)
	}
	return nil
}

// verify looks for what was written to the file before the rehearsal; from then
// on nobody can write. So it is copied for the service now, too.
func (s *Supervisor) verify(u *upgrade) {
	var copied *staged
	var err error
	s.sendErrand(u.gen.path, func() {
		if err = u.gen.unchanged(); err == nil && u.install != "" {
			copied, err = u.copyForService()
		}
	}, func() {
		switch {
		case s.upgrade != u:
			copied.discard()
		case err != nil:
			s.refuseUpgrade(u, err)
		default:
			u.staged = copied
			s.beginQuiet(u, s.sys.now())
		}
	})
}

// verdict is why a rehearsal that has ended is none.
func (r *rehearsal) verdict(u *upgrade) error {
	text := fmt.Sprintf("it ended (%s) without having read the state",
		describeStatus(r.ended.status))
	if r.words.String() == "" {
		text += " and without a word: it may be no program of wm"
	}
	switch {
	case r.failed != nil:
		text = r.failed.Text
	case r.late:
		text = fmt.Sprintf("it did not read the state within %v", rehearsalTimeout)
	}
	return fmt.Errorf("rehearsal of %s: %s%s", u.gen.path, text, quote(r.words))
}

// endRehearsal lets the child go; the reaper takes its status.
func (s *Supervisor) endRehearsal(u *upgrade) {
	r := u.child
	if r == nil {
		return
	}
	u.child = nil
	if r.ended == nil {
		s.sys.kill(r.pidfd, unix.SIGKILL)
	}
	r.link.close()
	unix.Close(r.pidfd)
}

// unchanged finds what was written to the file between its opening and its
// execution. Any goroutine may call it.
func (g *generation) unchanged() error {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(g.file, 0, math.MaxInt64)); err != nil {
		return fmt.Errorf("read executable %s: %w", g.path, err)
	}
	if !bytes.Equal(sum.Sum(nil), g.digest[:]) {
		return fmt.Errorf("%s was changed while it was rehearsed", g.path)
	}
	return nil
}

// adoptHandover is what an image of this master is told.
func (c *Config) adoptHandover(role ipc.Role, adopt *ipc.AdoptHandover) ipc.Handover {
	return ipc.Handover{
		Role: role, Args: c.Args, Apps: c.Apps,
		Master: &ipc.MasterHandover{
			Daemon: c.Daemon, Quiet: c.Quiet, Watch: c.Watch, Executable: c.Executable,
			RunDir: c.Dir.Path, Adopt: adopt,
			PidFile: c.PidFile, LogFile: c.LogFile, StdoutFile: c.StdoutFile,
		},
	}
}

// writeState puts a state into memory that has no name.
func writeState(st *ipc.State) (memfd int, err error) {
	text, err := st.Encode()
	if err != nil {
		return -1, err
	}
	if len(text) > ipc.MaxState {
		return -1, fmt.Errorf("a state of %d bytes is too large", len(text))
	}
	memfd, err = unix.MemfdCreate("wm-state", unix.MFD_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("memory for the state: %w", err)
	}
	for rest := text; len(rest) > 0; {
		n, err := unix.Write(memfd, rest)
		if err != nil && !errors.Is(err, unix.EINTR) {
			unix.Close(memfd)
			return -1, fmt.Errorf("memory for the state: %w", err)
		}
		rest = rest[max(n, 0):]
	}
	return memfd, nil
}
