package load

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls of the measuring loop are raw: they never block for longer than
// patience, and the scheduler need not know of them.

// patience is how long the loop sleeps at most, so that it also sees its end
// when nobody answers.
const patience = 20 * time.Millisecond

func readOnce(fd int32, p []byte) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	return int(n), errno
}

// discardOnce reads up to n bytes and drops them, tcp(7).
func discardOnce(fd int32, n int) (int, syscall.Errno) {
	got, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), 0, uintptr(n),
		unix.MSG_TRUNC, 0, 0)
	return int(got), errno
}

func writeOnce(fd int32, p []byte) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	return int(n), errno
}

// poller is an epoll whose events carry the number of a client.
type poller struct {
	fd     int
	events [256]unix.EpollEvent
	limit  unix.Timespec
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return &poller{fd: fd}, err
}

// watch asks for events of fd, which come with the number of its client.
func (p *poller) watch(fd int32, events uint32, client int) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, int(fd),
		&unix.EpollEvent{Events: events, Fd: int32(client)})
}

// wait sleeps for up to limit, exactly: epoll_pwait2(2) is of Linux 5.11.
func (p *poller) wait(limit time.Duration) []unix.EpollEvent {
	p.limit = unix.NsecToTimespec(int64(limit))
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd),
		uintptr(unsafe.Pointer(&p.events)), uintptr(len(p.events)),
		uintptr(unsafe.Pointer(&p.limit)), 0, 0)
	if errno != 0 { // interrupted
		return nil
	}
	return p.events[:n]
}

func (p *poller) close() { unix.Close(p.fd) }
