package worker

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls of the hot path. They never block, the sockets are non-blocking,
// so the scheduler need not be told of them (RawSyscall): that is a tenth of
// the time of a small message.

func sysRead(fd int32, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
	return int(n), errno
}

func sysWrite(fd int32, p []byte, flags uintptr) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
		unix.MSG_NOSIGNAL|flags, 0, 0)
	return int(n), errno
}

// sysSendfile may wait for a disk, and with it the loop and whoever waits for a
// collection of garbage. A file in memory takes long enough for the scheduler to
// give the loop's place away, and the search for a new one costs more than that.
func sysSendfile(fd int32, file int, offset, n int64) (int64, syscall.Errno) {
	sent, _, errno := syscall.RawSyscall6(unix.SYS_SENDFILE, uintptr(fd), uintptr(file),
		uintptr(unsafe.Pointer(&offset)), uintptr(n), 0, 0)
	return int64(sent), errno
}

// peer is where accept puts the address of a client.
type peer struct {
	addr unix.RawSockaddrInet6
	len  uint32
}

func sysAccept(fd int, from *peer) (int, syscall.Errno) {
	from.len = uint32(unsafe.Sizeof(from.addr))
	n, _, errno := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd),
		uintptr(unsafe.Pointer(&from.addr)), uintptr(unsafe.Pointer(&from.len)),
		unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	return int(n), errno
}

// address returns the IP address, IPv4 mapped into IPv6, and the port.
func (f *peer) address() (ip [16]byte, port uint16) {
	bigEndian := (*[2]byte)(unsafe.Pointer(&f.addr.Port))
	port = binary.BigEndian.Uint16(bigEndian[:])
	switch f.addr.Family {
	case unix.AF_INET:
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&f.addr))
		ip = netip.AddrFrom4(v4.Addr).As16()
	case unix.AF_INET6:
		ip = f.addr.Addr
	}
	return ip, port
}
