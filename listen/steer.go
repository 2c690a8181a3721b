package listen

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Steer makes the kernel choose among the first n sockets, counted in the order
// of their opening, of all that share the port of s with ReusePort. The others
// get no new connections. An error: the kernel is too old, and goes on as it
// did. n is at least 1, and no more than there are.
func (s *Socket) Steer(n int) error {
	const rxhash = 0xfffff000 + 32 // SKF_AD_OFF + SKF_AD_RXHASH
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: rxhash},
		{Code: unix.BPF_ALU | unix.BPF_MOD | unix.BPF_K, K: uint32(n)},
		{Code: unix.BPF_RET | unix.BPF_A},
	}
	return unix.SetsockoptSockFprog(s.FD, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF,
		&unix.SockFprog{Len: uint16(len(program)), Filter: unsafe.SliceData(program)})
}
