package cli

import (
	urfave "github.com/urfave/cli/v2"
)

// app describes the program to urfave. Each command stands in its own file.
func (in *invocation) app() *urfave.App {
	return &urfave.App{
		Name:    in.Name,
		Version: in.Version,
		Usage:   "keeps processes alive and serves sockets",
		Flags:   programFlags(),
		Commands: []*urfave.Command{
			in.startCommand(), in.devCommand(), in.stopCommand(), in.restartCommand(),
			in.reloadCommand(), in.upgradeCommand(), in.statusCommand(), in.connectionsCommand(),
			in.historyCommand(), in.checkCommand(), in.diffCommand(), in.newCommand(),
			in.versionCommand(),
		},
		CustomAppHelpTemplate: programHelp,
		HideHelpCommand:       true,
		HideVersion:           true,
		Writer:                in.stdout,
		ErrWriter:             in.stderr,
		ExitErrHandler:        func(*urfave.Context, error) {}, // only Main ends the process
		OnUsageError:          returnUsageError,
	}
}

// programFlags may stand with every command.
func programFlags() []urfave.Flag {
	return []urfave.Flag{
		valued("run-dir", "WM_RUN_DIR",
			"`DIR` of pid file and log; else the binary's"),
		valued("pid-file", "WM_PID_FILE", "write the pid of the master to `FILE`"),
		valued("log-file", "WM_LOG_FILE", "log to `FILE`"),
		valued("stdout-file", "WM_STDOUT_FILE", "with -d: processes print to `FILE`"),
		valued("app", "", "run only these `APPS`: chat,todpole/gateway"),
		toggle("no-build", "run the binary as it is, even in its source tree"),
		toggle("quiet", "no banner, no progress", "q"),
	}
}

// valued makes a flag with a value that the environment may give too.
func valued(name, variable, usage string) urfave.Flag {
	f := &urfave.StringFlag{Name: name, Usage: usage}
	if variable != "" {
		f.EnvVars = []string{variable}
	}
	return f
}

// command makes the description of one command.
func (in *invocation) command(name, usage string, do func(*urfave.Context) int,
	flags ...urfave.Flag) *urfave.Command {
	return &urfave.Command{
		Name:               name,
		Usage:              usage,
		Flags:              flags,
		Action:             in.action(do),
		CustomHelpTemplate: commandHelp,
		HideHelpCommand:    true,
		OnUsageError:       returnUsageError,
	}
}

// toggle makes a switch.
func toggle(name, usage string, aliases ...string) urfave.Flag {
	return &urfave.BoolFlag{Name: name, Usage: usage, Aliases: aliases, DisableDefaultText: true}
}

// returnUsageError keeps urfave from printing: run does that.
func returnUsageError(_ *urfave.Context, err error, _ bool) error { return err }
