package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

func TestWhatASilentMasterIsSaidToLack(t *testing.T) {
	var got strings.Builder
	for _, missing := range []string{
		"", "wm.sock is missing in /srv/shop",
		"wm.lock, wm.sock and wm.pid are missing in /srv/shop",
	} {
		for _, pid := range []int{0, 4711} {
			for _, suspended := range []bool{false, true} {
				if !suspended || pid != 0 {
					fmt.Fprintf(&got, "%v%s\n", errSilent, silentText(pid, suspended, missing))
				}
			}
		}
	}
	golden(t, "silent", []byte(got.String()))
}

// Whatever was removed, a master that lives is never said not to run.
func TestFilesOfALivingMasterAreGone(t *testing.T) {
	for _, gone := range []string{"lock", "lock sock", "lock sock pid", "sock", "sock pid"} {
		t.Run(gone, func(t *testing.T) {
			t.Parallel()
			dir := runDir(t)
			pid, output := startMute(t, dir)
			for _, name := range strings.Fields(gone) {
				if err := os.Remove(dir.Path + "/wm." + name); err != nil {
					t.Fatal(err)
				}
			}
			command(t, dir, "status").wants(t, ipc.CodeTimeout, "does not answer", "missing in "+dir.Path)
			command(t, dir, "start", "-d").wants(t, ipc.CodeDone, "already running", "missing in "+dir.Path)
			if held, _ := rundir.Held(dir.Lock); held != !strings.Contains(gone, "lock") {
				t.Errorf("the lock is held: %v", held)
			}
			if gone == "sock pid" {
				return // nothing tells who it is
			}
			if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(eventLimit); !suspended(pid); {
				if time.Now().After(deadline) {
					t.Fatal("not suspended")
				}
			}
			command(t, dir, "reload").wants(t, ipc.CodeTimeout,
				fmt.Sprintf("process %d is suspended, and ", pid), fmt.Sprintf("kill -CONT %d", pid))
			if err := unix.Kill(pid, unix.SIGCONT); err != nil {
				t.Fatal(err)
			}
			command(t, dir, "stop").wants(t, ipc.CodeDone, "stop success")
			if got := output(); got != "interrupt" {
				t.Errorf("the master got %q", got)
			}
		})
	}
}
