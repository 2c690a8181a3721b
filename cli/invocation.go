package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
	"github.com/workerman-go/wm/supervisor"
)

// invocation is one call of the command line.
type invocation struct {
	Program
	ctx            context.Context
	stdout, stderr io.Writer
	exe            string        // absolute path of the binary as called
	installed      string        // where the binary stands, if not where this process was runs from
	rest           []string      // what follows --, for the apps
	called         time.Duration // bootTime

	// What the flags of the program say; set before a command runs.
	dir                          rundir.Dir
	runDirFlag                   string // as it was typed
	pidFile, logFile, stdoutFile string
	apps                         []string
	quiet, noBuild               bool

	absent int // exit status of the command when nothing runs
	code   int // exit status of the command that ran
}

// run orders args and lets urfave run the command.
func (in *invocation) run(args []string) int {
	app := in.app()
	line, err := order(app, args)
	if err != nil {
		return in.usage(args, err)
	}
	in.rest = line.rest
	if err := app.RunContext(in.ctx, line.argv(in.Name)); err != nil {
		return in.usage(args, err)
	}
	return in.code
}

// usage answers a command line that cannot be understood, with the help of its
// command when it names one. The help of all would scroll the error away.
func (in *invocation) usage(args []string, err error) int {
	fmt.Fprintf(in.stderr, "%s: %v\n\n", in.Name, err)
	app := in.app()
	app.Writer = in.stderr
	var names []string
	for _, c := range app.Commands {
		names = append(names, c.Name)
	}
	for _, word := range args {
		if !slices.Contains(names, word) {
			continue
		}
		if err := app.RunContext(in.ctx, []string{in.Name, word, "--help"}); err != nil {
			fmt.Fprintf(in.stderr, "%s: %v\n", in.Name, err)
		}
		return ipc.CodeUsage
	}
	fmt.Fprintf(in.stderr, "Usage: %s COMMAND [FLAGS] [-- ARGUMENTS OF THE APPS]\n", in.Name)
	fmt.Fprintln(in.stderr, "Commands:")
	for line := range slices.Chunk(names, 7) {
		fmt.Fprintf(in.stderr, "  %s\n", strings.Join(line, " "))
	}
	fmt.Fprintf(in.stderr, "%s help tells what each does.\n", in.Name)
	return ipc.CodeUsage
}

// action is a command for urfave: it takes the program's flags, then runs do
// and keeps its exit status.
func (in *invocation) action(do func(c *urfave.Context) int) urfave.ActionFunc {
	return func(c *urfave.Context) error {
		in.pidFile = absolute(c.String("pid-file"))
		in.logFile = absolute(c.String("log-file"))
		in.stdoutFile = absolute(c.String("stdout-file"))
		in.apps = list(c.String("app"))
		in.quiet, in.noBuild = c.Bool("quiet"), c.Bool("no-build")
		in.runDirFlag = c.String("run-dir")
		var err error
		in.dir, err = rundir.Resolve(in.chooseRunDir(c), in.exe, in.Name)
		if err != nil {
			in.code = in.fail(err)
			return nil
		}
		in.code = do(c)
		return nil
	}
}

// list takes a,b,c apart.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// absolute makes a path that was typed here safe to be used elsewhere.
func absolute(path string) string {
	if path == "" {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// chooseRunDir lets the Program's own run directory stand behind the flag and
// the environment.
func (in *invocation) chooseRunDir(c *urfave.Context) string {
	chosen := c.String("run-dir")
	if chosen == "" && os.Getenv("RUNTIME_DIRECTORY") == "" {
		chosen = in.RunDir
	}
	return chosen
}

// say prints one line about the command that runs.
func (in *invocation) say(format string, a ...any) {
	fmt.Fprintf(in.stdout, "%s %s\n", in.label(), fmt.Sprintf(format, a...))
}

// complain prints one line that does not belong to what the command was to
// print: why it fails, or what it does otherwise than one might expect.
func (in *invocation) complain(format string, a ...any) {
	fmt.Fprintf(in.stderr, "%s %s\n", in.label(), fmt.Sprintf(format, a...))
}

// label names the service as the first word of each line: two services in two
// terminals are told apart by it.
func (in *invocation) label() string {
	return fmt.Sprintf("%s[%s]", in.Name, filepath.Base(in.exe))
}

// fail prints err and returns the exit status that it stands for. Who pressed
// Ctrl+C needs no telling.
func (in *invocation) fail(err error) int {
	if in.ctx.Err() == nil {
		in.complain("%v", err)
	}
	return codeOf(err)
}

// codeOf is the exit status of a command that ended with err.
func codeOf(err error) int {
	switch {
	case err == nil:
		return ipc.CodeDone
	case errors.Is(err, supervisor.ErrRunning):
		return ipc.CodeDone
	case errors.Is(err, rundir.ErrDenied), errors.Is(err, os.ErrPermission):
		return ipc.CodeDenied
	case errors.Is(err, errSilent):
		return ipc.CodeTimeout
	}
	return ipc.CodeFailed
}
