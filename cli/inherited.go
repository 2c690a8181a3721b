package cli

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// inherited lists the descriptors above standard error that whoever started
// this process left open. All that Go opens is close-on-exec, so what is not
// came from outside.
func inherited() ([]int, error) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	var fds []int
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= 2 {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			fds = append(fds, fd)
		}
	}
	return fds, nil
}

// closeInherited closes what was inherited: go-daemon's descriptor, and the
// locks and pipes of the shell, which a daemon must not hold for ever.
func closeInherited() error {
	fds, err := inherited()
	for _, fd := range fds {
		unix.Close(fd)
	}
	return err
}

// shieldInherited keeps what was inherited from the worker processes, and
// returns it.
func shieldInherited() ([]int, error) {
	fds, err := inherited()
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	return fds, err
}
