package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// wmModule is the module that every app imports.
const wmModule = "github.com/workerman-go/wm"

// module is the one that a new app belongs to.
type module struct {
	*sourceTree
	path  string
	fresh bool // this command has made its go.mod
}

// authorsModule is the module around here, or a new one when its path is given.
func (in *invocation) authorsModule(here, name, path, replace string) (*module, error) {
	root := moduleRoot(here)
	switch {
	case path != "" && root != "":
		return nil, fmt.Errorf("%s is there already, so no module is made: leave out --module",
			filepath.Join(root, "go.mod"))
	case path != "":
		return in.freshModule(here, path, replace)
	case root == "":
		return nil, fmt.Errorf("no go.mod in %s or above, and an app belongs to a module; "+
			"this makes one: %s new %s --module example.com/%s", here, os.Args[0], name,
			filepath.Base(here))
	}
	m := &module{sourceTree: &sourceTree{root: root, owner: ownerOf(root)}, path: modulePath(root)}
	return m, nil
}

// freshModule makes the go.mod of a module that takes wm from where this binary has
// it: replace, or the source tree it stands in, or its version.
func (in *invocation) freshModule(root, path, replace string) (*module, error) {
	if replace == "" {
		replace = ownSource()
	} else if replace = absolute(replace); modulePath(replace) != wmModule {
		return nil, fmt.Errorf("--replace %s: no source tree of wm, whose go.mod says module %s",
			replace, wmModule)
	}
	m := &module{
		sourceTree: &sourceTree{root: root, owner: ownerOf(root)}, path: path, fresh: true,
	}
	var said bytes.Buffer
	if err := m.goTool(in.ctx, &said, "mod", "init", path); err != nil {
		return nil, orText(err, &said)
	}
	edit := []string{"mod", "edit", "-replace=" + wmModule + "=" + replace}
	if replace == "" {
		edit = []string{"get", wmModule + "@" + wmVersion()}
	}
	said.Reset()
	if err := m.goTool(in.ctx, &said, edit...); err != nil {
		m.undo()
		return nil, fmt.Errorf("take wm into the new module: %w (--replace DIR takes it from "+
			"its source tree)", orText(err, &said))
	}
	return m, nil
}

// tidy completes go.mod and go.sum. What was found where is of no interest then.
func (m *module) tidy(ctx context.Context) error {
	var said bytes.Buffer
	err := m.goTool(ctx, &said, "mod", "tidy")
	return orText(err, &said)
}

// orText is what the go tool said instead of its exit status.
func orText(err error, said *bytes.Buffer) error {
	var exit *exec.ExitError
	if text := strings.TrimSpace(said.String()); text != "" && errors.As(err, &exit) {
		return errors.New(text)
	}
	return err
}

// undo removes the files of a module that this command has made.
func (m *module) undo() {
	if !m.fresh {
		return
	}
	m.asOwner(func() error {
		for _, name := range []string{"go.mod", "go.sum"} {
			os.Remove(filepath.Join(m.root, name))
		}
		return nil
	})
}

// goTool runs the go command at the root, as the owner of the tree.
func (m *module) goTool(ctx context.Context, out io.Writer, args ...string) error {
	cmd, err := m.goCommand(ctx, out, args...)
	if err != nil {
		return err
	}
	return cmd.Run()
}

func (m *module) goCommand(ctx context.Context, out io.Writer, args ...string) (*exec.Cmd, error) {
	tool, err := findGo()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = m.root, out, out
	cmd.Env = os.Environ()
	return cmd, m.actAsOwner(cmd)
}

// missing are the commands without which the new app cannot be built yet: the go
// tool says what it lacks.
func (m *module) missing(ctx context.Context, name string) []string {
	var out bytes.Buffer
	cmd, err := m.goCommand(ctx, &out, "list", "-deps", "-test", "./apps/"+name)
	if err != nil {
		return nil
	}
	cmd.Stdout, cmd.Env = nil, append(cmd.Env, "GOPROXY=off") // nothing is fetched here
	if cmd.Run() == nil {
		return nil
	}
	text := out.String()
	switch {
	case strings.Contains(text, "go work use"):
		return []string{"go work use ."}
	case strings.Contains(text, "vendor"):
		return append(m.requireWM(text), "go mod tidy", "go mod vendor")
	}
	return append(m.requireWM(text), "go mod tidy")
}

// requireWM is how the module gets wm, when the go tool says that it lacks it.
func (m *module) requireWM(text string) []string {
	if !strings.Contains(text, "module provides package "+wmModule) &&
		!strings.Contains(text, "module providing package "+wmModule) || m.hasWM() {
		return nil
	}
	if source := ownSource(); source != "" {
		return []string{"go mod edit -replace=" + wmModule + "=" + source}
	}
	return []string{"go get " + wmModule + "@" + wmVersion()}
}

// hasWM tells whether go.mod names wm at all.
func (m *module) hasWM() bool {
	text, err := os.ReadFile(filepath.Join(m.root, "go.mod"))
	return err == nil && strings.Contains(string(text), wmModule+" ")
}

// ownSource is the source tree of wm that this binary stands in, empty for one that
// was installed.
func ownSource() string {
	self, err := os.Executable()
	if err != nil || mainModule() != wmModule {
		return ""
	}
	root := moduleRoot(filepath.Dir(self))
	if root == "" || modulePath(root) != wmModule || unix.Access(root, unix.R_OK) != nil {
		return ""
	}
	return root
}

// mainModule is the module that this binary was built from.
func mainModule() string {
	if info, known := debug.ReadBuildInfo(); known {
		return info.Main.Path
	}
	return ""
}

var released = regexp.MustCompile(`^v\d+\.\d+\.\d+$`)

// wmVersion is the released version of wm in this binary, or latest.
func wmVersion() string {
	info, known := debug.ReadBuildInfo()
	if !known {
		return "latest"
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path == wmModule && m.Replace == nil && released.MatchString(m.Version) {
			return m.Version
		}
	}
	return "latest"
}
