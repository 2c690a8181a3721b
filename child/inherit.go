package child

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// processName is what ps and top show without arguments; the executable was
// started as /proc/self/fd/N.
const processName = "wm"

// inherit takes over descriptors and arguments and returns the link. Its
// errors reach the master as last words, because there is no link for them.
func inherit(h *ipc.Handover) (*ipc.Conn, error) {
	if err := closeAllOnExec(); err != nil {
		return nil, err
	}
	link, err := takeLink(h)
	if err != nil {
		return nil, err
	}
	nameProcess(h.Args)
	return link, nil
}

func takeLink(h *ipc.Handover) (*ipc.Conn, error) {
	if err := check(h); err != nil {
		return nil, err
	}
	return ipc.FromDescriptor(h.Link)
}

// closeAllOnExec keeps what was inherited, here or by the master from its
// shell, from the programs that author code may execute.
func closeAllOnExec() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

// check refuses a hand-over that nobody can act on.
func check(h *ipc.Handover) error {
	switch {
	case h.Link <= 2:
		return fmt.Errorf("link: descriptor %d", h.Link)
	case h.Role == ipc.RoleProbe:
		return nil
	case h.Role != ipc.RoleWorker:
		return fmt.Errorf("role %q is neither worker nor probe", h.Role)
	case h.Worker == nil:
		return errors.New("no Worker in it")
	case h.Worker.Spec.Network == "" || h.Worker.Listener < 0:
		return nil
	}
	if _, err := unix.GetsockoptInt(h.Worker.Listener, unix.SOL_SOCKET, unix.SO_TYPE); err != nil {
		return fmt.Errorf("listener: descriptor %d: %w", h.Worker.Listener, err)
	}
	return nil
}

// nameProcess gives the process its name, and author code the arguments a
// person would have given it instead of the title that ps shows.
func nameProcess(args []string) {
	takeArguments(args)
	// A kernel that refuses this shows a number instead of the name.
	_ = os.WriteFile("/proc/self/comm", []byte(processName), 0o644)
}

// takeArguments makes os.Args those that the apps are meant to see.
func takeArguments(args []string) {
	name, err := os.Executable()
	if err != nil {
		name = processName
	}
	os.Args = append([]string{name}, args...)
}
