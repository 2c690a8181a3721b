package supervisor

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// tryOut is obtain without keeping or changing anything: certificates are read,
// a new address is bound for a moment. A plan whose address is new gets a
// listener that is none.
func (s *Supervisor) tryOut(pl *plan) error {
	if err := s.tryCertificates(pl.spec.Files); err != nil {
		return err
	}
	if pl.spec.Network == "" {
		return nil
	}
	if err := s.findListener(pl); err != nil || pl.lis != nil || pl.group != nil {
		return err
	}
	if err := s.sys.try(bindingOf(pl.spec)); err != nil {
		return err
	}
	if pl.spec.ReusePort {
		pl.group = new(portGroup)
		return nil
	}
	pl.lis = &listener{fd: -1, address: pl.spec.Host}
	return nil
}

// tryBind tells whether b could be bound now. Nobody can connect meanwhile, and
// nobody who has the address notices.
func tryBind(b binding) error {
	var err error
	switch b.network {
	case "tcp":
		b.trial = true
		err = bindAndClose(b)
	case "udp":
		// With SO_REUSEPORT it would get datagrams that are for others, who
		// may well share the port with the real one.
		shared := b.reusePort
		b.reusePort = false
		if err = bindAndClose(b); shared && errors.Is(err, unix.EADDRINUSE) {
			err = nil
		}
	case "unix":
		err = tryUnix(b.host)
	default:
		err = errUnknownNetwork
	}
	if err != nil {
		return b.failed(blame(b, err))
	}
	return nil
}

func bindAndClose(b binding) error {
	fd, err := bindInet(b)
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
	return unix.Faccessat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", f.dir), mode, unix.AT_EACCESS)
}
