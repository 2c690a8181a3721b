package rundir

import (
	"os"

	"golang.org/x/sys/unix"
)

// OpenStdout opens the file that takes the standard output of daemonised
// processes; "" is /dev/null. Without O_NONBLOCK a FIFO that nobody reads
// would stop the master here.
func OpenStdout(path string) (*os.File, error) {
	if path == "" {
		path = os.DevNull
	}
	const flags = unix.O_WRONLY | unix.O_APPEND | unix.O_CREAT | unix.O_NOFOLLOW |
		unix.O_CLOEXEC | unix.O_NOCTTY | unix.O_NONBLOCK
	fd, err := unix.Open(path, flags, 0o644)
	if err != nil {
		return nil, &fileError{"stdout file", path, err}
	}
	// The processes that get it share its flags and expect writes to wait.
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return nil, &fileError{"stdout file", path, err}
	}
	return os.NewFile(uintptr(fd), path), nil
}
