package cli

import (
	"slices"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"
)

func TestOrderPutsFlagsWhereTheyBelong(t *testing.T) {
	for _, c := range []struct{ args, argv, rest string }{
		{"", "wm", ""},
		{"start", "wm start", ""},
		{"start -d", "wm start -d", ""},
		{"-d start", "wm start -d", ""},
		{"-q start -d", "wm -q start -d", ""},
		{"start -dq", "wm -q start -d", ""},
		{"restart -d -g", "wm restart -d -g", ""},
		{"restart -gd", "wm restart -g -d", ""},
		{"--json status", "wm status --json", ""},
		{"status -json", "wm status -json", ""},
		{"status --run-dir /a", "wm --run-dir /a status", ""},
		{"--run-dir=/a status -d", "wm --run-dir=/a status -d", ""},
		{"--run-dir stop stop", "wm --run-dir stop stop", ""},
		{"start --app chat,todpole/gateway", "wm --app chat,todpole/gateway start", ""},
		{"start -- -d stop", "wm start", "-d stop"},
		{"-d start -- --", "wm start -d", "--"},
		{"start --", "wm start", ""},
		{"help", "wm --help", ""},
		{"-h", "wm --help", ""},
		{"help start", "wm start --help", ""},
		{"start --help", "wm start --help", ""},
		{"start -d -h", "wm start --help", ""},
		{"-v", "wm version", ""},
		{"--version", "wm version", ""},
	} {
		got, err := order(testApp(), strings.Fields(c.args))
		if err != nil {
			t.Errorf("wm %s: %v", c.args, err)
			continue
		}
		if argv := strings.Join(got.argv("wm"), " "); argv != c.argv {
			t.Errorf("wm %s: ordered %q, want %q", c.args, argv, c.argv)
		}
		if rest := strings.Join(got.rest, " "); rest != c.rest {
			t.Errorf("wm %s: rest %q, want %q", c.args, rest, c.rest)
		}
	}
}

func TestOrderRefuses(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"strat", `unknown command: strat. Did you mean "start"?`},
		{"-", "unknown command: -"},
		{"start stop", "unexpected argument: stop (arguments of the apps go after --)"},
		{"start --nonsense", "unknown flag: --nonsense"},
		{"--nonsense", "unknown flag: --nonsense"},
		{"start -x", "unknown flag: -x"},
		{"start -dx", "unknown flag: -dx"},
		{"status --jsn", `unknown flag: --jsn. Did you mean "--json"?`},
		{"stop -d", "stop has no flag -d"},
		{"start -g", "start has no flag -g"},
		{"-d", "-d needs a command"},
		{"status --run-dir", "--run-dir needs a value"},
		{"start --app -d", "--app needs a value, and -d is a flag"},
	} {
		got, err := order(testApp(), strings.Fields(c.args))
		if err == nil {
			t.Errorf("wm %s: accepted as %q", c.args, got.argv("wm"))
			continue
		}
		if !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("wm %s: %q, want %q", c.args, err, c.want)
		}
	}
}

// order looks a flag up before it knows the command, so a name must take a
// value everywhere or nowhere, and belong to the program or to commands.
func TestFlagNamesAreUnambiguous(t *testing.T) {
	app := testApp()
	valued := map[string]bool{}
	for _, f := range app.Flags {
		for _, name := range f.Names() {
			valued[name] = takesValue(f)
		}
	}
	for _, c := range app.Commands {
		for _, f := range c.Flags {
			for _, name := range f.Names() {
				if lookup(app.Flags, name) != nil {
					t.Errorf("-%s is a flag of the program and of %s", name, c.Name)
				}
				if was, known := valued[name]; known && was != takesValue(f) {
					t.Errorf("-%s takes a value in one command only", name)
				}
				valued[name] = takesValue(f)
			}
		}
	}
}

func TestRestIsNotLookedAt(t *testing.T) {
	rest := []string{"--nonsense", "-h", "help", "", "a b"}
	got, err := order(testApp(), append([]string{"start", "--"}, rest...))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.rest, rest) {
		t.Errorf("rest %q, want %q", got.rest, rest)
	}
}

func testApp() *urfave.App {
	in := &invocation{Program: Program{}.withDefaults()}
	return in.app()
}
