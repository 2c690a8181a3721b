// Floor is the smallest possible echo server on epoll: one thread, one buffer,
// no framework, no protocol, no allocation. What it costs is what the kernel
// costs, so it is what a server is compared with.
//
// It prints its address and serves until its standard input ends. The same
// loop in C is testdata/floor.c, to see what the language costs.
package main

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	lifeline = 0 // standard input
	backlog  = 4096
)

func main() {
	runtime.LockOSThread()
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func serve() error {
	listener, err := listen()
	if err != nil {
		return err
	}
	ep, err := unix.EpollCreate1(0)
	if err != nil {
		return err
	}
	if err := watch(ep, listener); err != nil {
		return err
	}
	if err := watch(ep, lifeline); err != nil {
		return err
	}
	return loop(ep, listener)
}

// listen binds a free port of loopback and says which.
func listen() (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return -1, err
	}
	if err := unix.Listen(fd, backlog); err != nil {
		return -1, err
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return -1, err
	}
	_, err = fmt.Printf("127.0.0.1:%d\n", name.(*unix.SockaddrInet4).Port)
	return fd, err
}

func watch(ep, fd int) error {
	return unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd,
		&unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// loop ends with the lifeline. Its calls are raw: nothing else runs in this
// process.
func loop(ep, listener int) error {
	events := make([]unix.EpollEvent, 256)
	buf := make([]byte, 64<<10)
	p, size := uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf))
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(ep),
			uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), ^uintptr(0), 0, 0)
		if errno != 0 { // interrupted
			continue
		}
		for i := range n {
			switch fd := uintptr(events[i].Fd); int(fd) {
			case listener:
				if err := accept(ep, listener); err != nil {
					return err
				}
			case lifeline:
				return nil
			default:
				got, _, errno := unix.RawSyscall(unix.SYS_READ, fd, p, size)
				if errno != 0 || got == 0 {
					unix.Close(int(fd))
					continue
				}
				unix.RawSyscall(unix.SYS_WRITE, fd, p, got)
			}
		}
	}
}

// accept takes one connection.
func accept(ep, listener int) error {
	fd, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener), 0, 0,
		unix.SOCK_NONBLOCK, 0, 0)
	if errno != 0 { // it is gone again
		return nil
	}
	if err := unix.SetsockoptInt(int(fd), unix.SOL_TCP, unix.TCP_NODELAY, 1); err != nil {
		return err
	}
	return watch(ep, int(fd))
}
