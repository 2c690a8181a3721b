package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/workerman-go/wm/ipc"
)

func TestOverwriteClearsWhatIsLeftOfThePreviousPage(t *testing.T) {
	got := string(overwrite([]byte("a\nbb\n")))
	if want := "\x1b[Ha\x1b[K\nbb\x1b[K\n\x1b[J"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProgressLines(t *testing.T) {
	for _, c := range []struct {
		step          ipc.Progress
		quiet, colour bool
		want          string
	}{
		{step: ipc.Progress{Kind: "starting", Text: "x"}, want: ""},
		{step: ipc.Progress{Kind: "note", Text: "a text"}, want: "  note     a text\n"},
		{step: ipc.Progress{Kind: "replaced", Worker: "chat", Slot: 2, Text: "pid 8 -> 9"},
			want: "  replaced chat/2                                        pid 8 -> 9\n"},
		{step: ipc.Progress{Kind: "rollback", Text: "cause\n    last words"}, want: "  rollback cause\n"},
		{step: ipc.Progress{Kind: "note", Text: "a text"}, quiet: true, want: ""},
		{step: ipc.Progress{Kind: "failed", Text: "a text"}, quiet: true, want: "  failed   a text\n"},
		{step: ipc.Progress{Kind: "replaced", Text: "x"}, colour: true,
			want: "  \x1b[32mreplaced\x1b[0m x\n"},
	} {
		var out bytes.Buffer
		(&progress{out: &out, quiet: c.quiet, colour: c.colour}).step(c.step)
		if out.String() != c.want {
			t.Errorf("%+v: %q, want %q", c.step, &out, c.want)
		}
	}
}

func TestWhatIsPutBackIsNotCalledReplaced(t *testing.T) {
	var out bytes.Buffer
	p := &progress{out: &out}
	for _, s := range []ipc.Progress{
		{Kind: "replaced", Text: "pid 8 -> 9"},
		{Kind: "rollback", Text: "chat/1 was not ready"},
		{Kind: "replaced", Text: "pid 9 -> 10"},
	} {
		p.step(s)
	}
	want := "  replaced pid 8 -> 9\n  rollback chat/1 was not ready\n  put back pid 9 -> 10\n"
	if out.String() != want {
		t.Errorf("printed\n%swant\n%s", &out, want)
	}
}

func TestCounted(t *testing.T) {
	for _, c := range []struct {
		n     int
		thing string
		want  string
	}{{0, "Worker", "0 Workers"}, {1, "process", "1 process"}, {2, "process", "2 processes"}} {
		if got := counted(c.n, c.thing); got != c.want {
			t.Errorf("%d %s: %q", c.n, c.thing, got)
		}
	}
}

// A link decides where the run directory is; a name that is not this binary
// does not.
func TestCalledAs(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	link, other := filepath.Join(dir, "wm"), filepath.Join(dir, "other")
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("PATH", dir)
	for _, c := range []struct{ name, want string }{
		{link, link},
		{"./wm", link},
		{"wm", link},
		{self, self},
		{other, self},
		{"nowhere-to-be-found", self},
		{"wm: master process  start_file=/x/wm", self},
	} {
		if got, err := calledAs(c.name); err != nil || got != c.want {
			t.Errorf("%s: %s, %v, want %s", c.name, got, err, c.want)
		}
	}
}
