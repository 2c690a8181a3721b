package webserver

import (
	"errors"
	"io"
	"io/fs"
	"syscall"

	"github.com/workerman-go/wm/protocol/http1"
)

// source is where the files of a site are. name is a target's; "" is the root.
// Errors are those of package fs and of the system; syscall.EXDEV is for what would
// lead out of the root.
type source interface {
	open(name string) (found, error)
}

// found is what stands behind a name.
type found struct {
	response *http1.Response // nil for a directory
	file     io.Closer       // what response has open already, or nil
}

// drop lets go of a response that is not sent.
func (f found) drop() {
	if f.file != nil {
		_ = f.file.Close() // nothing was written to it
	}
}

// nothing is the source of a host that has only an entry.
type nothing struct{}

func (nothing) open(string) (found, error) { return found{}, fs.ErrNotExist }

// reason is what a client may know of an error of open.
type reason int

const (
	missing reason = iota
	outside        // of the root
	denied
	failed // for the author: no descriptors, a broken disk
)

func reasonOf(err error) reason {
	var errno syscall.Errno
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid):
		return missing
	case errors.Is(err, fs.ErrPermission):
		return denied
	case !errors.As(err, &errno):
		return failed
	}
	switch errno {
	case syscall.EXDEV:
		return outside
	case syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP, syscall.ENXIO:
		return missing
	}
	return failed
}
