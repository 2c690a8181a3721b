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
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/appsgen"
)

// errBuild is returned by build when the compiler refused the source; the
// compiler has told the user why.
var errBuild = errors.New("build failed, nothing was changed")

// workshop is a source tree that this command alone builds in.
type workshop struct {
	*sourceTree
	lock  int           // descriptor; what the file says, see buildOutcome
	began time.Duration // bootTime of the last build
}

// enter waits until no other command builds in the tree. The lock is kept
// until leave: the next build would replace the binary that is being proved.
func (t *sourceTree) enter(ctx context.Context) (*workshop, error) {
	w := &workshop{sourceTree: t, lock: -1}
	path := w.hidden("build")
	err := t.asOwner(func() (err error) {
		w.lock, err = unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("build lock %s: %w", path, err)
	}
	for {
		err := unix.Flock(w.lock, unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return w, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			w.leave()
			return nil, fmt.Errorf("build lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			w.leave()
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (w *workshop) leave() { unix.Close(w.lock) }

// hidden is a file beside the binary that belongs to building it.
func (t *sourceTree) hidden(suffix string) string {
	return filepath.Join(filepath.Dir(t.target), "."+filepath.Base(t.target)+"."+suffix)
}

// next is where a build puts the binary that is not proved yet.
func (w *workshop) next() string { return w.hidden("next") }

// build writes apps/all.go from the apps that are there, and compiles. What the
// compiler says goes to out.
func (w *workshop) build(ctx context.Context, out io.Writer) error {
	w.began = bootTime()
	if err := w.generate(out); err != nil {
		return err
	}
	goTool, err := findGo()
	if err != nil {
		return err
	}
	if err := w.asOwner(w.seed); err != nil {
		return err
	}
	args := append([]string{"build", "-buildvcs=false", "-o", w.next()}, w.flags...)
	cmd := exec.CommandContext(ctx, goTool, append(args, w.pkg)...)
	var said bytes.Buffer
	cmd.Dir, cmd.Stdout = w.root, io.MultiWriter(out, &said)
	cmd.Stderr = cmd.Stdout
	cmd.Env = append(os.Environ(), w.env...)
	if err := w.actAsOwner(cmd); err != nil {
		return err
	}
	endWhole(cmd)
	err = cmd.Run()
	var failed *exec.ExitError
	if !errors.As(err, &failed) || ctx.Err() != nil {
		return err
	}
	if text := advise(said.String()); text != "" {
		fmt.Fprintln(out, text)
	}
	return errBuild
}

// endWhole makes cmd a group of its own, which ends as a whole when the build is
// given up: the compilers that the go tool has started too.
func endWhole(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
}

// generate brings apps/all.go up to date and shows what keeps an app out of it.
// A program that declares its Workers itself has no folder apps.
func (w *workshop) generate(out io.Writer) error {
	if _, err := os.Lstat(filepath.Join(w.root, "apps")); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var found appsgen.Result
	err := w.asOwner(func() (err error) {
		found, err = appsgen.Generate(w.root)
		return err
	})
	for _, p := range found.Problems {
		fmt.Fprintln(out, p)
	}
	if err == nil && len(found.Blocking()) > 0 {
		err = errBuild
	}
	return err
}

// seed gives the build a copy of the running binary as its last result: when
// nothing has changed, nothing is linked.
func (w *workshop) seed() error {
	from, err := os.Open(w.target)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.CreateTemp(filepath.Dir(w.target), "."+filepath.Base(w.target)+".seed*")
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	err = errors.Join(err, to.Chmod(0o755), to.Close())
	if err == nil {
		err = os.Rename(to.Name(), w.next())
	}
	if err != nil {
		os.Remove(to.Name())
	}
	return err
}

// install gives the proved binary its name.
func (w *workshop) install() error {
	return w.asOwner(func() error { return os.Rename(w.next(), w.target) })
}

// discard removes a binary that nobody is to run.
func (w *workshop) discard() {
	w.asOwner(func() error { return os.Remove(w.next()) })
}

// findGo finds the toolchain: on the path, or where it is commonly put, which
// cron and init do not have on theirs.
func findGo() (string, error) {
	if path, err := exec.LookPath("go"); err == nil {
		return path, nil
	}
	for _, root := range []string{os.Getenv("GOROOT"), "/usr/local/go"} {
		path := filepath.Join(root, "bin", "go")
		if _, err := exec.LookPath(path); root != "" && err == nil {
			return path, nil
		}
	}
	return "", errNoGo
}

// errNoGo is returned when there is nothing to build with.
var errNoGo = errors.New("no Go toolchain found")
