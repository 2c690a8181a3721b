package child

import (
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

func TestOrphanEndsWhateverItDoes(t *testing.T) {
	cases := map[string]func(t *testing.T) *started{
		"idle": func(t *testing.T) *started { return run(t, echo()) },
		"with an idle client": func(t *testing.T) *started {
			s := run(t, echo())
			s.dial().ask("x", "x")
			return s
		},
		"with a busy client": func(t *testing.T) *started {
			s := run(t, echo())
			s.busyClient()
			return s
		},
		"draining gracefully": func(t *testing.T) *started {
			s := run(t, echo())
			s.busyClient()
			s.send(&ipc.Drain{Graceful: true})
			expect[*ipc.Yielded](s)
			return s
		},
		"blocked in a callback": func(t *testing.T) *started {
			s := run(t, echo())
			s.dial().ask("block", "blocked")
			return s
		},
		"blocked in OnWorkerStart": func(t *testing.T) *started {
			s := begin(t, echo("block"))
			expect[*ipc.Hello](s)
			return s
		},
		"blocked in Start": func(t *testing.T) *started {
			h := echo()
			h.Worker.Spec = ipc.Spec{App: "hangs", Key: "hangs/1"}
			s := begin(t, h)
			expect[*ipc.Hello](s)
			s.answers()
			return s
		},
	}
	orphans := map[string]*started{}
	for name, begin := range cases {
		orphans[name] = begin(t)
	}
	begun := time.Now()
	for _, s := range orphans {
		s.hangUp()
	}
	for name, s := range orphans {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.exits(ipc.ExitOrphan)
			if took := time.Since(begun); took > testDeadline/2 { // of its StopTimeout
				t.Errorf("the orphan ended after %v", took)
			}
		})
		s.t = t
	}
}

func TestOrphanDoesNotWaitForItsListener(t *testing.T) {
	s := begin(t, echo("inner"))
	expect[*ipc.Hello](s)
	expect[*ipc.Listen](s)
	s.hangUp()
	s.exits(ipc.ExitFailed)
}

func TestMalformedRecordEndsTheProcess(t *testing.T) {
	for name, rec := range map[string]string{
		"magic":   "xx\x01\x21\x00\x00\x00\x00{}",
		"version": "wm\x09\x21\x00\x00\x00\x00{}",
		"body":    "wm\x01\x21\x00\x00\x00\x00[]",
		"short":   "wm",
	} {
		t.Run(name, func(t *testing.T) {
			s := run(t, echo())
			if _, err := unix.Write(s.raw, []byte(rec)); err != nil {
				t.Fatal(err)
			}
			failed := expect[*ipc.Failed](s)
			if failed.Code != ipc.ExitFailed || !strings.HasPrefix(failed.Text, "link: ipc: ") {
				t.Errorf("failed with %+v", failed)
			}
			s.leaves(ipc.ExitFailed)
		})
	}
}

func TestUnknownAndMisdirectedRecordsAreIgnored(t *testing.T) {
	s := run(t, echo())
	if _, err := unix.Write(s.raw, []byte("wm\x02\xf0\x00\x00\x00\x00{\"x\":1}")); err != nil {
		t.Fatal(err)
	}
	r, w := pipe(t)
	defer r.Close()
	s.send(&ipc.Ready{})
	s.send(&ipc.Kick{}, int(w.Fd()))
	s.send(&ipc.Listening{ID: 5}, int(w.Fd()))
	w.Close()
	if _, err := r.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("got %v, want the end: the process keeps a descriptor", err)
	}
	s.answers()
	s.dial().ask("x", "x")
}

func TestListenGetsAPassedDescriptor(t *testing.T) {
	s := begin(t, echo("inner"))
	expect[*ipc.Hello](s)
	asked := expect[*ipc.Listen](s)
	if want := "tcp://127.0.0.1:0"; asked.Address != want {
		t.Errorf("asked for %q, want %q", asked.Address, want)
	}
	inner, addr := listener(t)
	s.send(&ipc.Listening{ID: asked.ID}, int(inner.Fd()))
	inner.Close()
	expect[*ipc.Ready](s)
	outer := s.addr
	s.addr = addr
	s.dial().ask("x", "inner x")
	s.addr = outer
	s.dial().ask("x", "x")
	s.send(&ipc.Drain{})
	expect[*ipc.Yielded](s)
	s.leaves(ipc.ExitDone)
}

func TestListenErrorFailsTheStart(t *testing.T) {
	s := begin(t, echo("inner"))
	expect[*ipc.Hello](s)
	s.send(&ipc.Listening{ID: expect[*ipc.Listen](s).ID, Error: "address already in use"})
	failed := expect[*ipc.Failed](s)
	want := "OnWorkerStart: listen text://127.0.0.1:0: address already in use"
	if failed.Code != ipc.ExitFailed || failed.Text != want {
		t.Errorf("failed with %+v, want %q", failed, want)
	}
	s.leaves(ipc.ExitFailed)
}

func TestReloadMovesTheOutputOfADaemon(t *testing.T) {
	for name, debug := range map[string]bool{"debug": true, "daemon": false} {
		t.Run(name, func(t *testing.T) {
			h := echo()
			h.Worker.Debug = debug
			s := run(t, h)
			r, w := pipe(t)
			defer r.Close()
			s.send(&ipc.Reload{}, int(w.Fd()))
			w.Close()
			s.expectLog("OnWorkerReload")
			s.dial().ask("x", "x")
			s.send(&ipc.Drain{})
			expect[*ipc.Yielded](s)
			s.leaves(ipc.ExitDone)
			const line = "printed in OnWorkerReload"
			moved, err := io.ReadAll(r)
			if got := strings.Contains(string(moved), line); err != nil || got == debug {
				t.Errorf("the passed file got %q, %v", moved, err)
			}
			if got := strings.Contains(s.printed(), line); got != debug {
				t.Errorf("the old file got %q", s.printed())
			}
		})
	}
}
