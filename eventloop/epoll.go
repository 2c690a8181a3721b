package eventloop

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// epollDriver is the driver on epoll(7), level triggered.
type epollDriver struct{ fd int }

func newEpoll() (*epollDriver, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make epoll: %w", err)
	}
	return &epollDriver{fd: fd}, nil
}

func (d *epollDriver) add(fd int, mask uint32, key int32) error {
	ev := unix.EpollEvent{Events: mask, Fd: int32(fd), Pad: key}
	return unix.EpollCtl(d.fd, unix.EPOLL_CTL_ADD, fd, &ev)
}

func (d *epollDriver) modify(fd int, mask uint32, key int32) error {
	ev := unix.EpollEvent{Events: mask, Fd: int32(fd), Pad: key}
	return unix.EpollCtl(d.fd, unix.EPOLL_CTL_MOD, fd, &ev)
}

func (d *epollDriver) remove(fd int) error {
	return unix.EpollCtl(d.fd, unix.EPOLL_CTL_DEL, fd, nil)
}

// forget does nothing: the kernel forgets a description with its last copy.
func (d *epollDriver) forget(int) {}

func (d *epollDriver) wait(ready []unix.EpollEvent, timeout int) (int, error) {
	if timeout == 0 {
		return d.look(ready)
	}
	return unix.EpollWait(d.fd, ready, timeout)
}

// look never blocks, so the scheduler need not know of it: the raw call costs
// no hand-over of the processor.
func (d *epollDriver) look(ready []unix.EpollEvent) (int, error) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(d.fd),
		uintptr(unsafe.Pointer(&ready[0])), uintptr(len(ready)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func (d *epollDriver) close() error { return unix.Close(d.fd) }
