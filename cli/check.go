package cli

import (
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/workerman-go/wm/ipc"
)

func (in *invocation) checkCommand() *urfave.Command {
	return in.command("check", "build and tell what would run, start nothing", in.check)
}

func (in *invocation) check(*urfave.Context) int {
	binary, err := in.candidate()
	if err != nil {
		return in.fail(err)
	}
	defer binary.leave()
	defer binary.discard()
	found, err := in.probe(binary.path)
	if err != nil {
		return in.fail(err)
	}
	key, listen := 24, 32
	for _, spec := range found.specs {
		key, listen = max(key, len(spec.Key)), max(listen, len(spec.Listen))
	}
	for _, spec := range found.specs {
		fmt.Fprintf(in.stdout, "  %-*s %-*s %-12s %s\n",
			key, spec.Key, listen, spec.Listen, counted(spec.Count, "process"), spec.Source)
	}
	in.say("check success: %s, %s", counted(len(found.specs), "Worker"),
		counted(processes(found.specs), "process"))
	return ipc.CodeDone
}

func processes(specs []ipc.Spec) int {
	n := 0
	for _, spec := range specs {
		n += spec.Count
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
