package protocol

import (
	"errors"
	"strings"
	"testing"
)

// fake is a Protocol that can be told apart from another one.
type fake struct{ name string }

func (fake) Input(buf []byte, _ Conn) (int, error)            { return len(buf), nil }
func (fake) Decode(frame []byte, _ Conn) (any, error)         { return frame, nil }
func (fake) Encode(dst []byte, v any, _ Conn) ([]byte, error) { return AppendText(dst, v) }

// uncomparable is a Protocol for which == panics.
type uncomparable struct {
	fake
	parts []string
}

func lookedUp(t *testing.T, scheme string) Protocol {
	t.Helper()
	p, ok := Lookup(scheme)
	if !ok {
		t.Fatalf("Lookup(%q) found nothing", scheme)
	}
	return p
}

func TestLookup(t *testing.T) {
	Builtin("lines", fake{"builtin"})
	Builtin("only", fake{"builtin"})
	Register("LINES", fake{"author"})
	if got := lookedUp(t, "Lines"); got != (fake{"author"}) {
		t.Errorf("Lookup(Lines) = %v, want the author's", got)
	}
	if got := lookedUp(t, "ONLY"); got != (fake{"builtin"}) {
		t.Errorf("Lookup(ONLY) = %v, want the one that comes with wm", got)
	}
	if p, ok := Lookup("nothing"); ok {
		t.Errorf("Lookup(nothing) = %v, want nothing", p)
	}
}

func TestRegisterRemembersConflicts(t *testing.T) {
	before := len(Conflicts())
	Register("JsonNL", fake{"a"})
	Register("jsonnl", fake{"a"})
	if got := Conflicts()[before:]; len(got) != 0 {
		t.Fatalf("the same protocol twice is a conflict: %q", got)
	}
	Register("jsonNL", fake{"b"})
	got := Conflicts()[before:]
	if len(got) != 1 {
		t.Fatalf("conflicts %q, want one", got)
	}
	for _, want := range []string{"jsonNL", "TestRegisterRemembersConflicts", "registry_test.go:"} {
		if !strings.Contains(got[0], want) {
			t.Errorf("conflict %q does not name %q", got[0], want)
		}
	}
	if p := lookedUp(t, "jsonnl"); p != (fake{"a"}) {
		t.Errorf("Lookup = %v, want the first", p)
	}
}

func TestRegisterTwiceFromOnePlaceReplaces(t *testing.T) {
	before := len(Conflicts())
	for _, name := range []string{"first", "second"} {
		Register("again", fake{name})
	}
	if got := Conflicts()[before:]; len(got) != 0 {
		t.Errorf("conflicts %q, want none", got)
	}
	if p := lookedUp(t, "again"); p != (fake{"second"}) {
		t.Errorf("Lookup = %v, want the second", p)
	}
}

func TestRestoreForgetsWhatCameAfterTheSnapshot(t *testing.T) {
	Register("kept", fake{"a"})
	before, conflicts := Snapshot(), len(Conflicts())
	Register("forgotten", fake{"a"})
	Register("kept", fake{"b"})
	before.Restore()
	if _, ok := Lookup("forgotten"); ok {
		t.Error("Lookup found what was registered after the snapshot")
	}
	if p := lookedUp(t, "kept"); p != (fake{"a"}) {
		t.Errorf("Lookup = %v, want the one from before", p)
	}
	if got := len(Conflicts()); got != conflicts {
		t.Errorf("%d conflicts, want the %d from before", got, conflicts)
	}
}

func TestRegisterUncomparable(t *testing.T) {
	before := len(Conflicts())
	Register("parts", uncomparable{})
	Register("parts", uncomparable{parts: []string{"x"}})
	if got := Conflicts()[before:]; len(got) != 1 {
		t.Errorf("conflicts %q, want one", got)
	}
}

func TestRegisterRefusesSchemes(t *testing.T) {
	for _, scheme := range []string{"", "9p", "json-nl", "a b", "é"} {
		before := len(Conflicts())
		Register(scheme, fake{})
		if got := Conflicts()[before:]; len(got) != 1 {
			t.Errorf("Register(%q): conflicts %q, want one", scheme, got)
		}
		if _, ok := Lookup(scheme); ok {
			t.Errorf("Lookup(%q) found it", scheme)
		}
	}
}

func TestRegisterRefusesNil(t *testing.T) {
	before := len(Conflicts())
	Register("abc", nil)
	got := Conflicts()[before:]
	if len(got) != 1 || !strings.Contains(got[0], `protocol "abc" of `) ||
		!strings.Contains(got[0], "TestRegisterRefusesNil (registry_test.go:") ||
		!strings.HasSuffix(got[0], ": the Protocol is nil") {
		t.Errorf("conflicts %q, want one", got)
	}
	if p, ok := Lookup("abc"); ok {
		t.Errorf("Lookup found %v", p)
	}
}

func TestRejectIsBadPacket(t *testing.T) {
	err := error(&Reject{Reply: []byte("no"), Why: "demo: no"})
	if !errors.Is(err, ErrBad) {
		t.Error("a Reject is no ErrBad")
	}
	if got := err.Error(); got != "demo: no" {
		t.Errorf("Error() = %q, want the reason", got)
	}
}
