package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/workerman-go/wm/appsgen"
	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

func (in *invocation) newCommand() *urfave.Command {
	c := in.command("new", "make an app in the module of the working directory", in.newApp,
		valued("listen", "",
			"`ADDRESS`: http://127.0.0.1:8080; else text on a free port"),
		valued("module", "", "`PATH` of a module to be made for it: example.com/shop"),
		valued("replace", "", "with --module: `DIR`, the source tree to take wm from"))
	c.ArgsUsage = "NAME"
	return c
}

// newApp makes an app where the user stands: unlike a build, which must not depend
// on where a command is typed.
func (in *invocation) newApp(c *urfave.Context) int {
	name := c.Args().First()
	err := appsgen.CheckName(name)
	if c.IsSet("replace") && !c.IsSet("module") {
		err = errors.New("--replace belongs to --module: " +
			"for a module that is there already there is go mod edit -replace")
	}
	if err != nil {
		in.complain("%v", err)
		return ipc.CodeUsage
	}
	in.say("new %s", name)
	here, err := os.Getwd()
	if err != nil {
		return in.fail(err)
	}
	m, err := in.authorsModule(here, name, c.String("module"), c.String("replace"))
	if err != nil {
		return in.fail(err)
	}
	made, err := in.makeApp(m, appsgen.NewApp{Name: name, Listen: c.String("listen")})
	if err != nil {
		m.undo()
		return in.fail(err)
	}
	if m.fresh {
		if err := m.tidy(in.ctx); err != nil {
			return in.fail(fmt.Errorf("%w\nthe app is made, but go mod tidy failed in %s: "+
				"type it there again", err, m.root))
		}
	}
	in.tellNext(m, name, here, made)
	return ipc.CodeDone
}

// makeApp makes the files, and shows which.
func (in *invocation) makeApp(m *module, app appsgen.NewApp) (made appsgen.Made, err error) {
	err = m.asOwner(func() (err error) {
		made, err = appsgen.New(m.root, app)
		if errors.Is(err, appsgen.ErrListed) {
			_, problems, _ := appsgen.Find(m.root)
			for _, p := range problems {
				fmt.Fprintln(in.stderr, p)
			}
		}
		return err
	})
	if err != nil || in.quiet {
		return made, err
	}
	if m.fresh {
		made.Files = append([]string{"go.mod"}, made.Files...)
	}
	for _, file := range made.Files {
		fmt.Fprintf(in.stdout, "  made %s\n", file)
	}
	return made, nil
}

// tellNext says what to type after the files are there.
func (in *invocation) tellNext(m *module, name, here string, made appsgen.Made) {
	if made.Foreign {
		in.complain("the program in %s does not serve the apps: import %q there and call "+
			"cli.Main(apps.All...)", filepath.Join(m.root, made.Program), m.path+"/apps")
	}
	var steps []string
	if here != m.root {
		steps = append(steps, "cd "+m.root)
	}
	steps = append(steps, m.missing(in.ctx, name)...)
	binary, command := in.serviceBinary(m)
	if command == "start" {
		pkg := "."
		if made.Program != "." {
			pkg = "./" + filepath.ToSlash(made.Program)
		}
		steps = append(steps, "go build -o "+binary+" "+pkg)
	}
	steps = append(steps, binary+" "+command)
	if made.Try != "" {
		steps = append(steps, made.Try+"   # in another terminal")
	}
	in.say("new success: %s listens on %s; type next", name, made.Listen)
	fmt.Fprintf(in.stdout, "  %s\n", strings.Join(steps, "\n  "))
}

// serviceBinary is the binary that will serve the app, below the root of its
// module, and the command that takes the app in: reload while that one runs.
func (in *invocation) serviceBinary(m *module) (path, command string) {
	path, command = "bin/"+appsgen.ProgramName(m.path), "start"
	dir, err := rundir.Resolve("", filepath.Join(m.root, path), in.Name)
	rel, relErr := filepath.Rel(m.root, in.exe)
	if relErr == nil && filepath.IsLocal(rel) && m.path == mainModule() {
		path, dir, err = rel, in.dir, nil
	}
	if err == nil {
		if held, err := rundir.Held(dir.Lock); held && err == nil {
			command = "reload"
		}
	}
	return path, command
}
