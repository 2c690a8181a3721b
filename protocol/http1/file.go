package http1

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/protocol"
)

// source is where the file of a Response is.
type source struct {
	fsys           fs.FS // nil: name is a path of the system
	name           string
	ready          opened // of OpenFile
	offset, length int64  // a piece of it; length 0: up to its end
}

// File makes a Response that sends the file at path, which is opened when the
// Response is sent. Content-Type follows from the extension, an unknown one is a
// download (features.md 28.6). GET and HEAD with status 200 have ETag and
// Last-Modified, conditions (304 and 412) and ranges (206 and 416) of RFC 9110;
// ETag and Last-Modified may be the author's, in Header. What is not a regular
// file, or not there, is answered with 404, what may not be read with 403, both
// with a small page.
//
// A large file is not read into memory: the kernel sends it as fast as the
// client takes it, and it is no backlog. It must not be changed in place
// meanwhile: when it becomes shorter the connection ends.
func File(path string) *Response {
	return answerOf(source{name: path})
}

// FileFS is File for a file of fsys, such as an embed.FS; name is what
// fsys.Open takes. The kernel sends it where the opened file is an *os.File or
// has a method Descriptor() int. A file without ReadAt is sent whole, also when
// a range was asked for. Without a time of change (embed.FS has none) there is no
// ETag and no Last-Modified unless they are in Header. Open, Stat and Read run
// on the loop goroutine and must not wait for anything but a local disk.
func FileFS(fsys fs.FS, name string) *Response {
	return answerOf(source{fsys: fsys, name: name})
}

// answerOf makes both in one piece of memory.
func answerOf(s source) *Response {
	x := struct {
		response Response
		source   source
	}{source: s}
	x.response.file = &x.source
	return &x.response
}

// WithFile has r send the file at path in place of Body, from offset on, length
// bytes or, when that is 0, up to its end, and returns r. It has to be called
// before r is sent for the first time. When this is not the whole file, a
// request with a Range header is answered with 206 and Content-Range, and any
// other with 200 and only this piece: the range is the author's to find out
// (features.md 28.10). An offset behind the end is answered with 416. A negative
// number counts as 0.
func (r *Response) WithFile(path string, offset, length int64) *Response {
	r.file = &source{name: path, offset: max(offset, 0), length: max(length, 0)}
	return r
}

// piece says that the author has chosen a part.
func (s *source) piece() bool { return s.offset > 0 || s.length > 0 }

// opened is a file that can be sent.
type opened struct {
	file       protocol.File
	size       int64
	changed    time.Time // zero: not known
	sequential bool      // it can only be read once, from its beginning
}

// open opens the file, or says with which status it cannot be sent.
func (s *source) open() (opened, int) {
	switch {
	case s.ready.file != nil:
		return s.ready, 0
	case s.fsys != nil:
		return openFS(s.fsys, s.name)
	}
	return openPath(s.name)
}

// base is the name without folders.
func (s *source) base() string { return path.Base(s.name) }

// openPath costs two system calls and no finalizer. O_NONBLOCK: to open a fifo
// must not wait for its other end.
func openPath(name string) (opened, int) {
	const flags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC | unix.O_NOCTTY
	fd, err := ignoringEINTR(func() (int, error) { return unix.Open(name, flags, 0) })
	if err != nil {
		return opened{}, statusOf(err)
	}
	f := descriptor(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		_ = f.Close() // nothing was written
		return opened{}, http.StatusNotFound
	}
	return opened{file: f, size: st.Size, changed: time.Unix(st.Mtim.Unix())}, 0
}

// statusOf is the answer to a file that cannot be opened.
func statusOf(err error) int {
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP),
		errors.Is(err, unix.ENAMETOOLONG), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV),
		errors.Is(err, unix.EINVAL), // a zero byte in the path
		errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid):
		return http.StatusNotFound
	case errors.Is(err, fs.ErrPermission): // EACCES and EPERM are one
		return http.StatusForbidden
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// openFS looks before it opens where it can, so that a fifo of os.DirFS does not
// stop the loop.
func openFS(fsys fs.FS, name string) (opened, int) {
	if s, ok := fsys.(fs.StatFS); ok {
		if info, err := s.Stat(name); err == nil && !info.Mode().IsRegular() {
			return opened{}, http.StatusNotFound
		}
	}
	f, err := fsys.Open(name)
	if err != nil {
		return opened{}, statusOf(err)
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return opened{}, http.StatusNotFound
	}
	o := opened{size: max(info.Size(), 0), changed: info.ModTime()}
	switch f := f.(type) {
	case *os.File:
		o.file = osFile{f}
	case protocol.File: // with its Descriptor, if it has one
		o.file = f
	default:
		o.file, o.sequential = &sequential{File: f}, true
	}
	return o, 0
}

// osFile tells its descriptor to the connection.
type osFile struct{ *os.File }

func (f osFile) Descriptor() int { return int(f.Fd()) }

// sequential is a file that can only be read from its beginning, which is how a
// connection reads.
type sequential struct {
	fs.File
	at int64
}

var errNotInOrder = errors.New("http1: the file can only be read in order")

func (s *sequential) ReadAt(p []byte, offset int64) (int, error) {
	if offset != s.at {
		return 0, errNotInOrder
	}
	n, err := io.ReadFull(s.File, p)
	s.at += int64(n)
	return n, err
}

// descriptor is an open file of the system.
type descriptor int

func (d descriptor) Descriptor() int { return int(d) }

func (d descriptor) Close() error { return unix.Close(int(d)) }

// ReadAt is io.ReaderAt.
func (d descriptor) ReadAt(p []byte, offset int64) (int, error) {
	done := 0
	for done < len(p) {
		n, err := ignoringEINTR(func() (int, error) {
			return unix.Pread(int(d), p[done:], offset+int64(done))
		})
		if err != nil {
			return done, err
		}
		if n == 0 {
			return done, io.EOF
		}
		done += n
	}
	return done, nil
}

func ignoringEINTR(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}
