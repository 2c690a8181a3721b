package cli

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// called makes an invocation for the master m, called a moment after the given
// time.
func calledAt(t *testing.T, m *fakeMaster, at time.Duration) (*invocation, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), eventLimit)
	t.Cleanup(cancel)
	return &invocation{
		Program: Program{Name: "wm"}, ctx: ctx, stdout: &out, stderr: &out,
		exe: "/x/wm", dir: m.dir, called: at,
	}, &out
}

// Only a build that began after a command was called, for the master that is
// there, answers that command.
func TestWhoSharesABuild(t *testing.T) {
	m := startFake(t, func(ipc.Request) []ipc.Message { return nil })
	shop := openShop(t, shopFiles())
	shop.began = bootTime()
	before, after := shop.began-1, shop.began+1
	good := buildOutcome{Master: os.Getpid(), RunDir: m.dir.Path, Text: "generation 7 is live"}
	for _, c := range []struct {
		name     string
		change   func(*buildOutcome)
		called   time.Duration
		graceful bool
		want     bool
	}{
		{name: "called before", called: before, want: true},
		{name: "called after", called: after},
		{name: "called as it began", called: shop.began},
		{name: "refused", called: before, want: true,
			change: func(o *buildOutcome) { o.Code = ipc.CodeFailed }},
		{name: "not permitted", called: before,
			change: func(o *buildOutcome) { o.Code = ipc.CodeDenied }},
		{name: "another master", called: before,
			change: func(o *buildOutcome) { o.Master++ }},
		{name: "another service", called: before,
			change: func(o *buildOutcome) { o.RunDir = "/elsewhere" }},
		{name: "graceful for an impatient one", called: before,
			change: func(o *buildOutcome) { o.Graceful = true }},
		{name: "graceful for a graceful one", called: before, graceful: true, want: true,
			change: func(o *buildOutcome) { o.Graceful = true }},
		{name: "for a graceful one", called: before, graceful: true, want: true},
	} {
		o := good
		if c.change != nil {
			c.change(&o)
		}
		if err := shop.leaveWord(o); err != nil {
			t.Fatal(err)
		}
		in, _ := calledAt(t, m, c.called)
		if got := shop.lastWord().answers(in, c.graceful); got != c.want {
			t.Errorf("%s: shared %v, want %v", c.name, got, c.want)
		}
	}
}

// A command may be killed at any moment: what it leaves in the file is
// understood as a whole or not at all.
func TestTornWordSaysNothing(t *testing.T) {
	shop := openShop(t, shopFiles())
	if shop.lastWord() != nil {
		t.Error("an empty file says something")
	}
	shop.began = bootTime()
	if err := shop.leaveWord(buildOutcome{Text: "long ago: " + string(make([]byte, 1000))}); err != nil {
		t.Fatal(err)
	}
	if err := shop.leaveWord(buildOutcome{Text: "live"}); err != nil {
		t.Fatal(err)
	}
	if o := shop.lastWord(); o == nil || o.Text != "live" || o.PID != os.Getpid() {
		t.Fatalf("the last word is %+v", o)
	}
	whole, err := os.ReadFile(shop.hidden("build"))
	if err != nil {
		t.Fatal(err)
	}
	for size := range whole {
		if err := os.Truncate(shop.hidden("build"), 0); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Pwrite(shop.lock, whole[:size], 0); err != nil {
			t.Fatal(err)
		}
		if o := shop.lastWord(); o != nil {
			t.Fatalf("%d of %d bytes say %+v", size, len(whole), o)
		}
	}
	for _, text := range []string{"{}", string(whole) + "{}", `{"boot":"another"}`, "\x00\x00"} {
		if err := os.WriteFile(shop.hidden("build"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if o := shop.lastWord(); o != nil {
			t.Errorf("%q says %+v", text, o)
		}
	}
}

func TestRepeatSaysWhoseBuildItWas(t *testing.T) {
	m := startFake(t, func(ipc.Request) []ipc.Message { return nil })
	for _, c := range []struct {
		word buildOutcome
		want string
	}{
		{buildOutcome{PID: 9, Text: "generation 7 is live"},
			"wm[wm] reload success: generation 7 is live (the build of process 9, begun after this command)\n"},
		{buildOutcome{PID: 9, Code: 1, Text: errBuild.Error(), Compiler: "x.go:1: no\n"},
			"x.go:1: no\nwm[wm] build failed, nothing was changed " +
				"(the build of process 9, begun after this command)\n"},
	} {
		in, out := calledAt(t, m, 0)
		if code := in.repeat(&c.word); code != c.word.Code || out.String() != c.want {
			t.Errorf("status %d, printed %q, want %q", code, out, c.want)
		}
	}
}

func TestComplaintKeepsTheEnd(t *testing.T) {
	var said complaint
	for range 100 {
		said.Write(bytes.Repeat([]byte("x"), maxComplaint/10))
	}
	said.Write([]byte("the end"))
	if len(said.text) != maxComplaint || !bytes.HasSuffix(said.text, []byte("the end")) {
		t.Errorf("%d bytes", len(said.text))
	}
}
