package supervisor

import (
	"testing"

	"golang.org/x/sys/unix"
)

// However many signals come, one binary is read at a time, and none is
// forgotten.
func TestSignalsWhileABinaryIsRead(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	for _, sig := range []unix.Signal{unix.SIGUSR2, unix.SIGUSR2, unix.SIGUSR1} {
		w.s.onSignal(sig)
	}
	if len(w.s.away) != 1 || w.s.roll != nil || w.s.queued != nil {
		t.Fatalf("%d binaries are read", len(w.s.away))
	}
	w.reconcile()
	if r := w.s.roll; r == nil || len(r.by) != 3 || r.graceful || w.s.queued != nil {
		t.Errorf("the reload %+v, one that waits %+v", r, w.s.queued)
	}
}
