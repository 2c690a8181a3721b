package eventloop

import "golang.org/x/sys/unix"

// driver asks the kernel for events. Owned by the loop; no locking.
//
// Masks are kernel masks: on Linux the bits of epoll and poll(2) are the same.
// A key comes back in the Pad of each event, the descriptor in its Fd.
type driver interface {
	add(fd int, mask uint32, key int32) error
	modify(fd int, mask uint32, key int32) error
	remove(fd int) error
	// forget is remove for a descriptor whose only copy is closed next.
	forget(fd int)
	// wait fills ready; a timeout of 0 milliseconds looks only, below 0 is for
	// ever.
	wait(ready []unix.EpollEvent, timeout int) (int, error)
	close() error
}
