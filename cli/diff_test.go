package cli

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/workerman-go/wm/ipc"
)

func TestDiffPrintsThePlan(t *testing.T) {
	m := startFake(t, reloading(&ipc.Plan{Workers: []ipc.PlanWorker{{
		Key: "hello/web", Listen: "none", Change: ipc.PlanReplaced, Why: []string{"Count 2 -> 1"},
		Steps: []ipc.PlanStep{
			{Action: ipc.PlanReplace, PID: 7}, {Slot: 1, Action: ipc.PlanDrain, PID: 8},
		},
	}}}, new(ipc.Result)))
	command(t, m.dir, "diff").wants(t, ipc.CodeDone, "hello/web  none  replaced: Count 2 -> 1",
		"1 replace, 1 drain; "+os.Args[0]+" reload --run-dir ", " does this")
	got := m.lastAsked()
	if got.Command != ipc.CommandDiff || got.Binary != "" || got.InstallAs != "" {
		t.Errorf("asked %+v", got)
	}
	r := command(t, m.dir, "diff", "--json")
	r.wants(t, ipc.CodeDone, `"action": "drain"`, `"summary": "1 replace, 1 drain"`)
}

func TestDiffThatWouldBeRefused(t *testing.T) {
	const why = "worker a (a.go:3): no such user"
	m := startFake(t, reloading(&ipc.Result{Code: ipc.CodeFailed, Text: why}))
	command(t, m.dir, "diff").wants(t, ipc.CodeFailed, why)
	r := command(t, m.dir, "diff", "--json")
	r.wants(t, ipc.CodeFailed, `"refused": "`+why+`"`, `"workers": []`)
	begin, end := strings.Index(r.out, "{"), strings.LastIndex(r.out, "}")
	if begin < 0 || !json.Valid([]byte(r.out[begin:end+1])) {
		t.Errorf("no JSON:\n%s", r.out)
	}
}

// A master of an earlier version does not know the command.
func TestDiffOfAnOlderMaster(t *testing.T) {
	m := startFake(t, reloading(&ipc.Result{Code: ipc.CodeUsage, Text: `unknown command "diff"`}))
	command(t, m.dir, "diff").wants(t, ipc.CodeUsage, `unknown command "diff"`)
	silent := startFake(t, reloading(new(ipc.Result)))
	command(t, silent.dir, "diff").wants(t, ipc.CodeFailed, "sent no plan")
}
