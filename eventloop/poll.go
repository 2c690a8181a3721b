package eventloop

import "golang.org/x/sys/unix"

// pollDriver is the driver on poll(2): a plain list handed to the kernel at
// every wait.
type pollDriver struct {
	fds   []unix.PollFd
	keys  []int32 // beside fds
	index []int32 // by descriptor: place in fds plus 1, 0 is none
	first int     // where the next report begins, so that none starves
}

func (d *pollDriver) add(fd int, mask uint32, key int32) error {
	for fd >= len(d.index) {
		d.index = append(d.index, 0)
	}
	if d.index[fd] != 0 {
		return unix.EEXIST
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		return err
	}
	d.fds = append(d.fds, unix.PollFd{Fd: int32(fd), Events: pollMask(mask)})
	d.keys = append(d.keys, key)
	d.index[fd] = int32(len(d.fds))
	return nil
}

// pollMask leaves out what only epoll knows.
func pollMask(mask uint32) int16 {
	return int16(mask &^ unix.EPOLLEXCLUSIVE)
}

func (d *pollDriver) modify(fd int, mask uint32, key int32) error {
	at, err := d.place(fd)
	if err != nil {
		return err
	}
	d.fds[at].Events, d.keys[at] = pollMask(mask), key
	return nil
}

func (d *pollDriver) remove(fd int) error {
	at, err := d.place(fd)
	if err != nil {
		return err
	}
	d.drop(at)
	return nil
}

func (d *pollDriver) forget(fd int) { _ = d.remove(fd) }

func (d *pollDriver) place(fd int) (int, error) {
	if fd >= len(d.index) || d.index[fd] == 0 {
		return 0, unix.ENOENT
	}
	return int(d.index[fd]) - 1, nil
}

func (d *pollDriver) drop(at int) {
	end := len(d.fds) - 1
	d.index[d.fds[at].Fd] = 0
	if at != end {
		d.fds[at], d.keys[at] = d.fds[end], d.keys[end]
		d.index[d.fds[at].Fd] = int32(at + 1)
	}
	d.fds, d.keys = d.fds[:end], d.keys[:end]
}

func (d *pollDriver) wait(ready []unix.EpollEvent, timeout int) (int, error) {
	if n, err := unix.Poll(d.fds, timeout); n <= 0 || err != nil {
		return 0, err
	}
	count, first, n := len(d.fds), d.first, 0
	var closed []int32
	for i := 0; i < count && n < len(ready); i++ {
		at := (first + i) % count
		p := d.fds[at]
		switch {
		case p.Revents == 0:
		case p.Revents&unix.POLLNVAL != 0:
			closed = append(closed, p.Fd)
		default:
			ready[n] = unix.EpollEvent{Events: uint32(p.Revents), Fd: p.Fd, Pad: d.keys[at]}
			n++
			d.first = at + 1
		}
	}
	d.discard(closed)
	return n, nil
}

// discard takes descriptors out that were closed while watched, as epoll does.
func (d *pollDriver) discard(closed []int32) {
	for _, fd := range closed {
		d.drop(int(d.index[fd]) - 1)
	}
}

func (d *pollDriver) close() error { return nil }
