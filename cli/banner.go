package cli

import (
	"io"
	"os"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/statusfmt"
)

// banner prints what runs now.
func banner(w io.Writer, snap *ipc.Snapshot, stopCommand string) error {
	opt := pageOptions(w)
	opt.StopCommand = stopCommand
	return statusfmt.Banner(w, snap, opt)
}

// typedStop is what the user has to type to stop what was started here.
func (in *invocation) typedStop() string { return in.typed("stop") }

// typed is how the user has to type a command to reach the same service.
func (in *invocation) typed(command string) string {
	line := os.Args[0] + " " + command
	if in.runDirFlag != "" {
		line += " --run-dir " + in.runDirFlag
	}
	return line
}
