package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"testing"

	"github.com/workerman-go/wm/ipc"
)

// newRounds are those of a small module, towards a master that answers each
// reload with the next of answers.
func newRounds(t *testing.T, answers ...[]ipc.Message) (*rounds, *fakeMaster, *bytes.Buffer) {
	t.Helper()
	root := makeTree(t, shopFiles())
	tree, err := findTree(filepath.Join(root, "bin/wm"),
		buildInfo("github.com/workerman-go/wm", "github.com/workerman-go/wm"), os.Geteuid())
	if err != nil || tree == nil {
		t.Fatalf("findTree: %v, %v", tree, err)
	}
	var asked atomic.Int64
	m := startFake(t, func(ipc.Request) []ipc.Message { return answers[asked.Add(1)-1] })
	out := new(bytes.Buffer)
	in := &invocation{
		Program: Program{Name: "wm"}, ctx: context.Background(), stdout: out, stderr: out, dir: m.dir,
	}
	return &rounds{in: in, tree: tree}, m, out
}

// durations differ from run to run.
var durations = regexp.MustCompile(`\d+\.\d s`)

func wantPrinted(t *testing.T, out *bytes.Buffer, want string) {
	t.Helper()
	if got := durations.ReplaceAllString(out.String(), "N s"); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
	out.Reset()
}

func (r *rounds) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.tree.root, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestRoundReloadsAndSaysSo(t *testing.T) {
	live := []ipc.Message{
		&ipc.Progress{Kind: "replaced", Text: "pid 8 -> 9"},
		&ipc.Progress{Kind: "live", Text: "generation 3 is live"}, &ipc.Result{Text: "not shown"},
	}
	r, m, out := newRounds(t, live)
	r.round([]string{"apps/chat/start.go", "apps/chat/x.go", "main.go"})
	wantPrinted(t, out, "changed apps/chat/start.go and 2 more: "+
		"generation 3 is live, built in N s, reloaded in N s\n")
	asked := m.lastAsked()
	if asked.Command != ipc.CommandReload || !asked.IfNew || asked.InstallAs != r.tree.target {
		t.Errorf("asked %+v", asked)
	}
	if _, err := os.Stat(asked.Binary); err != nil {
		t.Errorf("the master has no binary to install: %v", err)
	}
}

func TestRoundWithoutANewProgram(t *testing.T) {
	same := []ipc.Message{&ipc.Result{Text: "generation 2 runs this program already"}}
	r, _, out := newRounds(t, same, same)
	r.round(nil)
	wantPrinted(t, out, "") // nothing was missed at the start
	r.round([]string{"go.sum"})
	wantPrinted(t, out, "changed go.sum: generation 2 runs this program already\n")
	wantNothingNext(t, r)
}

// wantNothingNext reports a binary that nobody is to run.
func wantNothingNext(t *testing.T, r *rounds) {
	t.Helper()
	if _, err := os.Stat(r.tree.hidden("next")); err == nil {
		t.Error("the binary is left behind")
	}
}

func TestRoundShowsAFailureOnce(t *testing.T) {
	r, _, out := newRounds(t, []ipc.Message{&ipc.Progress{Kind: "live", Text: "generation 2 is live"},
		new(ipc.Result)})
	const good, bad = "package hello\n\nfunc Start() {}\n", "package hello\n\nfunc Start() { nix() }\n"
	r.write(t, "apps/hello/start.go", bad)
	const text = "# github.com/workerman-go/wm/apps/hello\napps/hello/start.go:3:16: undefined: nix\n"
	const end = "the build failed, everything keeps running as it was\n"
	r.round([]string{"apps/hello/start.go"})
	wantPrinted(t, out, text+"changed apps/hello/start.go: "+end)
	r.round([]string{"main.go"})
	wantPrinted(t, out, "changed main.go: as before, "+end)
	wantNothingNext(t, r)

	r.write(t, "apps/hello/start.go", good)
	r.round([]string{"apps/hello/start.go"})
	wantPrinted(t, out, "changed apps/hello/start.go: "+
		"generation 2 is live, built in N s, reloaded in N s\n")
	r.write(t, "apps/hello/start.go", bad)
	r.round([]string{"apps/hello/start.go"})
	wantPrinted(t, out, text+"changed apps/hello/start.go: "+end)
}

func TestRoundTellsOfARefusal(t *testing.T) {
	refused := &ipc.Result{Code: ipc.CodeFailed, Text: "chat/0 was not ready\neverything was put back"}
	r, _, out := newRounds(t, []ipc.Message{refused},
		[]ipc.Message{&ipc.Progress{Kind: "mixed"}, &ipc.Result{Code: ipc.CodeFailed, Text: "chat/1: x"}})
	r.round([]string{"main.go"})
	wantPrinted(t, out, "chat/0 was not ready\neverything was put back\n"+
		"changed main.go: not reloaded, everything keeps running as it was\n")
	wantNothingNext(t, r)
	r.round(nil)
	wantPrinted(t, out, "chat/1: x\nchanged meanwhile: the reload failed, generations are mixed\n")
}

// With -q only failures are told, and at the end of the service nothing.
func TestQuietRounds(t *testing.T) {
	r, _, out := newRounds(t, []ipc.Message{&ipc.Progress{Kind: "live", Text: "generation 2 is live"},
		new(ipc.Result)})
	r.in.quiet = true
	r.round([]string{"main.go"})
	wantPrinted(t, out, "")
	r.write(t, "main.go", "package nix")
	var cancel context.CancelFunc
	r.in.ctx, cancel = context.WithCancel(r.in.ctx)
	cancel()
	r.round([]string{"main.go"})
	wantPrinted(t, out, "")
}
