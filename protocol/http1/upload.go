package http1

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// UploadTmpDir is where the files of uploads lie until their request was
// answered; empty is os.TempDir. Set it in Start. On the file system that the
// files are moved to, Move needs not to copy. What a process that was killed has
// left there is deleted by uploads that come more than a day later: a request may
// not wait longer for its answer.
var UploadTmpDir string

// What may be wrong with one file of a form while the request is delivered
// (features.md 26.6); Upload.Err wraps one of them.
var (
	// ErrUploadPartial is UPLOAD_ERR_PARTIAL, 3: the form ended inside the file.
	ErrUploadPartial = errors.New("http1: the upload ended too early")
	// ErrNoUpload is UPLOAD_ERR_NO_FILE, 4: the field was left empty.
	ErrNoUpload = errors.New("http1: no file was chosen")
	// ErrNoUploadDir is UPLOAD_ERR_NO_TMP_DIR, 6: there is no UploadTmpDir.
	ErrNoUploadDir = errors.New("http1: the folder for uploads is missing")
	// ErrUploadNotWritten is UPLOAD_ERR_CANT_WRITE, 7: such as a full disk.
	ErrUploadNotWritten = errors.New("http1: the upload could not be written")
)

// Upload is a file of a multipart form. It belongs to its request: the file in
// UploadTmpDir is deleted when that was answered and its callback has returned,
// unless Move took it.
type Upload struct {
	// Field is the name of the form's field by PHP's rules; the second file of
	// photos[] has photos[1]. It is empty when the client gave none, or one that
	// PHP ignores, such as []: only Files has that file.
	Field string
	// Name is the last part of the name that the client gave: it has no
	// slashes and is not "." or "..", but nothing else is promised about it: it may
	// be empty, or no UTF-8, and a browser writes a quote as %22. FullPath is all
	// of it.
	Name, FullPath string
	// Type is what the client says that the content is. Not to be trusted.
	Type string
	// TmpName is the file that has the content, mode 0600; empty with an Err.
	TmpName string
	// Size is that of the content in bytes.
	Size int64
	// Err says why there is no content; see ErrNoUpload.
	Err error

	content span // of the body, while it is not in a file
	file    *os.File

	mu     sync.Mutex // guards what follows: Move may run on a goroutine
	ours   bool       // TmpName is to be deleted with the request
	moving bool
	gone   bool // the request is over
}

// newUpload names a file as the client did.
func newUpload(field, path, kind string) *Upload {
	u := &Upload{Field: field, FullPath: path, Type: kind, Name: path}
	if i := strings.LastIndexAny(path, `/\`); i >= 0 {
		u.Name = path[i+1:]
	}
	if u.Name == "." || u.Name == ".." {
		u.Name = ""
	}
	return u
}

// Open opens the content for reading. The caller closes it.
func (u *Upload) Open() (io.ReadCloser, error) {
	if u.Err != nil {
		return nil, u.Err
	}
	return os.Open(u.TmpName)
}

// Move gives the content the name path, which replaces a file that has it and is
// then TmpName. Name, which the client has chosen, should have no part in path
// that was not checked. Where path is on another file system the content is
// copied first; after an error it is still where it was. The mode stays 0600.
//
// Copying may take long: then have worker.Go call Move, which is allowed, and
// answer when it is done.
func (u *Upload) Move(path string) error {
	if u.Err != nil {
		return u.Err
	}
	u.mu.Lock()
	if u.gone || u.moving {
		u.mu.Unlock()
		return fmt.Errorf("move upload: %w", os.ErrNotExist)
	}
	u.moving = true
	u.mu.Unlock()
	err := move(u.TmpName, path)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.moving = false
	if err == nil {
		u.TmpName, u.ours = path, false
		return nil
	}
	if u.gone {
		u.delete()
	}
	return fmt.Errorf("move upload: %w", err)
}

func move(from, to string) error {
	err := os.Rename(from, to)
	if errors.Is(err, syscall.EXDEV) {
		if err = copyTo(to, from); err == nil {
			err = os.Remove(from)
		}
	}
	return err
}

// copyTo makes a copy beside path first, so that path is complete when it is
// there.
func copyTo(path, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(path), tmpPattern)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(out.Name(), path)
	}
	if err != nil {
		_ = os.Remove(out.Name()) // the first error is the one to know
	}
	return err
}

const (
	tmpPrefix  = "wm-upload-"
	tmpPattern = tmpPrefix + "*"
)

// create makes the file that the content goes to.
func (u *Upload) create() {
	file, err := os.CreateTemp(UploadTmpDir, tmpPattern)
	if err == nil {
		sweepUploads(filepath.Dir(file.Name()), time.Now())
	}
	switch {
	case err == nil:
		u.file, u.TmpName, u.ours = file, file.Name(), true
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		u.Err = fmt.Errorf("%w: %w", ErrNoUploadDir, err)
	default:
		u.Err = fmt.Errorf("%w: %w", ErrUploadNotWritten, err)
	}
}

// write appends to the file; after an error there is none any more.
func (u *Upload) write(p []byte) {
	if u.file == nil {
		return
	}
	if _, err := u.file.Write(p); err != nil {
		u.fail(fmt.Errorf("%w: %w", ErrUploadNotWritten, err))
	}
}

// done ends the writing.
func (u *Upload) done() {
	if u.file == nil {
		return
	}
	err := u.file.Close()
	u.file = nil
	if err != nil {
		u.fail(fmt.Errorf("%w: %w", ErrUploadNotWritten, err))
	}
}

// fail leaves the reason in place of the content.
func (u *Upload) fail(why error) {
	u.remove()
	u.Err, u.TmpName, u.Size = why, "", 0
}

// remove deletes the file unless it was moved; the request is over.
func (u *Upload) remove() {
	if u.file != nil {
		_ = u.file.Close() // what was written is not wanted
		u.file = nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.gone = true
	if !u.moving {
		u.delete()
	}
}

// delete is called with mu held. A file that is not there was taken by other
// means than Move.
func (u *Upload) delete() {
	if u.ours {
		u.ours = false
		_ = os.Remove(u.TmpName)
	}
}

// save puts content, which was in memory, into a file.
func (u *Upload) save(content []byte) {
	if u.Err != nil || u.TmpName != "" {
		return
	}
	u.create()
	u.write(content)
	u.done()
}
