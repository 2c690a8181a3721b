package cli

import (
	"fmt"
	"runtime"

	urfave "github.com/urfave/cli/v2"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/worker"
)

func (in *invocation) versionCommand() *urfave.Command {
	return in.command("version", "print the version", in.version)
}

func (in *invocation) version(*urfave.Context) int {
	line := fmt.Sprintf("%s/%s", in.Name, in.Version)
	if in.Name != "wm" {
		line += " wm/" + worker.Version
	}
	fmt.Fprintf(in.stdout, "%s %s %s/%s\n", line, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return ipc.CodeDone
}
