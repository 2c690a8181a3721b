package supervisor

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// denied says of an executable that the kernel does not execute what an operator
// can do. A process is started from an open file, but its mode and its mount count
// when it is executed and not when it was opened.
func (l *launch) denied(err error) error {
	if !errors.Is(err, unix.EACCES) {
		return err
	}
	fd := int(l.gen.file.Fd())
	var file unix.Stat_t
	var fs unix.Statfs_t
	if errors.Join(unix.Fstat(fd, &file), unix.Fstatfs(fd, &fs)) != nil {
		return err
	}
	name, nameErr := os.Readlink(l.gen.execPath()) // where it is now, or was
	if nameErr != nil {
		name = l.gen.path
	}
	reach, mode := name, file.Mode&0o7777
	if file.Nlink == 0 {
		reach = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd)
	}
	switch {
	case mode&0o111 == 0:
		return fmt.Errorf("%w: %s has mode %04o, which lets nobody execute it: chmod +x %s",
			err, name, mode, reach)
	case fs.Flags&unix.ST_NOEXEC != 0:
		return fmt.Errorf("%w: %s is on a file system mounted noexec", err, name)
	case l.ident != nil:
		return fmt.Errorf("%w: %s has mode %04o, which does not let user %s execute it",
			err, name, mode, l.ident.user)
	}
	return fmt.Errorf("%w: %s has mode %04o", err, name, mode)
}

// executable tells why the master could not execute g now.
func (g *generation) executable() error {
	err := unix.Faccessat(unix.AT_FDCWD, g.execPath(), unix.X_OK, unix.AT_EACCESS)
	if err == nil {
		return nil
	}
	return fmt.Errorf("no way back to the running program: %w", (&launch{gen: g}).denied(err))
}
