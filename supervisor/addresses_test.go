package supervisor

import (
	"testing"

	"github.com/workerman-go/wm/ipc"
)

// An app that comes back while a blocked process of it still holds its address
// gets the socket that is there.
func TestRemovedAddressComesBackWhileItIsHeld(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"), spec("b"))
	a, b := w.live()[0], w.live()[1]
	first := w.reload("two", false)
	w.probe(spec("a"))
	w.turn(a)
	a = w.last // holds the seat of a; b does not answer
	second := w.reload("three", false)
	w.taken["b"] = true // nobody can bind it now
	w.probe(spec("a"), spec("b"))
	w.turn(a)
	w.say(w.last, &ipc.Ready{})
	wantResult(t, second, 0)
	w.exit(b, 9)
	wantResult(t, first, 0, "generation 3 has followed")
	if got := len(w.s.listeners); got != 2 {
		t.Errorf("%d listeners, want 2", got)
	}
}
