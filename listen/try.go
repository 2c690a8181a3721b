package listen

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Try tells whether a could be opened now, with the errors of Open. Nobody can
// connect meanwhile, and nobody who has the address notices; a Unix socket is
// not made. A UDP port with ReusePort that others have counts as free. Any
// goroutine may call it.
func Try(a Address) error {
	var err error
	switch a.Network {
	case "tcp":
		err = openAndClose(a)
	case "udp":
		// With SO_REUSEPORT it would get datagrams that are for others, who
		// may well share the port with the real one.
		shared := a.ReusePort
		a.ReusePort = false
		if err = openAndClose(a); shared && errors.Is(err, unix.EADDRINUSE) {
			err = nil
		}
	case "unix":
		err = tryUnix(a.Host)
	default:
		err = errUnknownNetwork
	}
	if err != nil {
		return a.failed(a.blame(err))
	}
	return nil
}

func openAndClose(a Address) error {
	fd, err := openInet(a, false)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

// tryUnix tells whether a socket could be made at path. It makes none: whoever
// watches the folder would see it.
func tryUnix(path string) error {
	f, err := openFolder(path)
	if err != nil {
		return err
	}
	defer f.remove()
	if address, ok := f.address().(*unix.SockaddrUnix); ok && len(address.Name) > maxSocketPath {
		return fmt.Errorf("the file name is too long: %w", unix.EINVAL)
	}
	there, err := f.present()
	if err != nil {
		return err
	}
	if there >= 0 {
		unix.Close(there)
		if listensAt(path) {
			return unix.EADDRINUSE
		}
	}
	const mode = unix.W_OK | unix.X_OK
	return unix.Faccessat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", f.Dir), mode, unix.AT_EACCESS)
}
