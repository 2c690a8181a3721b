package http1

import (
	"time"

	"github.com/workerman-go/wm/protocol"
)

// OpenFile is File for a regular file that is open already, for who has to look
// before it answers or opens below a directory only (package webserver). name
// gives Content-Type and the name of a download, and is not opened; size is in
// bytes; a zero changed is not known, as with FileFS. The Response is sent once,
// and file is closed with the answer, whatever becomes of it. Only when Send
// refuses it at once, with ErrClosed or ErrBufferFull, does file stay open: its
// Close must allow a second call, and is then to be called.
func OpenFile(file protocol.File, name string, size int64, changed time.Time) *Response {
	ready := opened{file: file, size: size, changed: changed}
	return answerOf(source{name: name, ready: ready})
}

// Descriptor is an open regular file of the system, as OpenFile takes it: an os.File
// would try the poller and need a finalizer. Owned by the loop.
type Descriptor struct{ descriptor }

// NewDescriptor makes a Descriptor of fd, which is its own from now on.
func NewDescriptor(fd int) *Descriptor { return &Descriptor{descriptor(fd)} }

// Close may be called again, and does nothing then.
func (d *Descriptor) Close() error {
	if d.descriptor < 0 {
		return nil
	}
	fd := d.descriptor
	d.descriptor = -1
	return fd.Close()
}

var _ protocol.File = (*Descriptor)(nil)
