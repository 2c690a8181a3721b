package cli

import (
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/statusfmt"
	"github.com/workerman-go/wm/supervisor"
)

func (in *invocation) checkCommand() *urfave.Command {
	return in.command("check", "build and tell whether a start would work, start nothing", in.check,
		wide(),
		toggle("json", "print JSON"))
}

// check does everything a start would, short of serving. Its text and its JSON
// list all that was found; errors fail it, warnings do not.
func (in *invocation) check(c *urfave.Context) int {
	found, err := in.examine()
	if in.ctx.Err() != nil {
		return ipc.CodeFailed
	}
	if c.Bool("json") {
		if code := in.written(statusfmt.CheckJSON(in.stdout, found)); code != ipc.CodeDone {
			return code
		}
		return codeOf(err)
	}
	page := statusfmt.Check(in.stdout, found, tableOptions(in.stdout, c))
	if code := in.written(page); code != ipc.CodeDone {
		return code
	}
	errors, warnings := levels(found.Findings)
	if err != nil {
		in.complain("check failed: %s, %s", counted(errors, "error"), counted(warnings, "warning"))
		return codeOf(err)
	}
	text := fmt.Sprintf("%s, %s", counted(len(found.Workers), "Worker"),
		counted(processes(found.Workers), "process"))
	if warnings > 0 {
		text += ", " + counted(warnings, "warning")
	}
	in.say("check success: %s", text)
	return ipc.CodeDone
}

// examine builds and checks the binary. What the compiler says has been shown.
func (in *invocation) examine() (*ipc.Check, error) {
	binary, err := in.candidate()
	if err != nil {
		return &ipc.Check{Schema: ipc.SchemaVersion, Findings: []ipc.Finding{
			{Level: ipc.FindingError, Text: err.Error()},
		}}, err
	}
	defer binary.leave()
	defer binary.discard()
	scope := supervisor.CheckScope{Addresses: true, Master: in.runningMaster(), Daemon: true}
	checked := in.probe(binary.path, scope)
	return &checked.Report, checked.Err()
}

// levels counts errors and warnings.
func levels(findings []ipc.Finding) (errors, warnings int) {
	for _, f := range findings {
		if f.Level == ipc.FindingError {
			errors++
		} else {
			warnings++
		}
	}
	return errors, warnings
}

func processes(workers []ipc.CheckedWorker) int {
	n := 0
	for _, w := range workers {
		n += w.Count
	}
	return n
}

// counted is n of something in words.
func counted(n int, thing string) string {
	switch {
	case n == 1:
		return "1 " + thing
	case thing[len(thing)-1] == 's':
		return fmt.Sprintf("%d %ses", n, thing)
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
