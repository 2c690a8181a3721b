package worker_test

import (
	"testing"

	"golang.org/x/sys/unix"
)

// another opens the listener of a slot that is not served, and returns a
// descriptor for the process too, as the master would send it.
func another(t *testing.T) (lent int, addr string) {
	t.Helper()
	fd, addr := listen(t)
	t.Cleanup(func() { unix.Close(fd) })
	lent, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	return lent, addr
}

func TestLentListenerIsServedUntilItIsReclaimed(t *testing.T) {
	s := start(t, echo("text://127.0.0.1:0"))
	fd, addr := another(t)
	waiting := dial(t, addr)
	s.do(func() { s.p.Lend(3, fd) })
	waiting.send("who waited\n")
	waiting.expect("who waited\n")
	late := dial(t, addr)
	s.do(func() { s.p.Reclaim(3) }) // takes in who waits, then lets go
	late.send("the last\n")
	late.expect("the last\n")
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != unix.EBADF {
		t.Errorf("the descriptor is still there: %v", err)
	}
	own := s.dial()
	own.send("own\n")
	own.expect("own\n")
}

func TestLentListenerStopsWithTheWorkersOwn(t *testing.T) {
	w := echo("text://127.0.0.1:0")
	s := start(t, w)
	fd, addr := another(t)
	s.do(func() {
		w.PauseAccept()
		s.p.Lend(1, fd)
	})
	waiting := dial(t, addr)
	waiting.send("x\n")
	s.do(func() { // the loop has had its turn with the connection in the queue
		if s.p.Figures().Connections != 0 {
			t.Error("accepted while accepting is paused")
		}
		w.ResumeAccept()
	})
	waiting.expect("x\n")
	s.do(func() { w.PauseAccept() })
	second := dial(t, addr)
	s.do(func() {})
	s.do(func() { w.ResumeAccept() })
	second.send("y\n")
	second.expect("y\n")
}

func TestLeavingProcessGivesBackWhatWasLent(t *testing.T) {
	s := start(t, echo("text://127.0.0.1:0"))
	fd, _ := another(t)
	late, _ := another(t)
	s.do(func() {
		s.p.Lend(1, fd)
		s.p.Leave()
		s.p.Lend(2, late)
	})
	for _, fd := range []int{fd, late} {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != unix.EBADF {
			t.Errorf("descriptor %d is still there: %v", fd, err)
		}
	}
}
