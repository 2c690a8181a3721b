package load

import (
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// File fetches path, whose answer has want as its body, on connections that stay
// open. It asks the server once to learn how long the head is, and compares the
// whole body; of later bodies only the length is looked at.
func File(server netip.AddrPort, path string, want []byte) (Talk, error) {
	t, err := Get(server, path)
	if err != nil {
		return t, err
	}
	head := len(t.Reply) - len(want)
	if head < 0 || string(t.Reply[head:]) != string(want) {
		return t, fmt.Errorf("%v answers %s with other bytes than the file has", server, path)
	}
	t.Reply, t.Unread = t.Reply[:head:head], len(want)
	return t, nil
}

// skim is listen for answers of which only the head is looked at. The kernel
// throws the rest away without copying it, so that the clients need far less of
// their core than the server of its own.
func (w *window) skim(c *client) error {
	for {
		n, errno := w.skimOnce(c)
		switch {
		case errno == unix.EAGAIN || errno == unix.EINTR:
			return nil
		case errno != 0:
			return fmt.Errorf("read: %w", errno)
		case n == 0:
			return fmt.Errorf("closed by the server")
		}
		if c.part < len(w.reply) && !w.matches(w.buf[:n], c.part) {
			return fmt.Errorf("heard %.60q behind %d bytes of a head, want %.60q",
				w.buf[:n], c.part, w.reply)
		}
		c.part += n
		switch {
		case c.part == len(w.reply): // the body may be there too
		case c.part == len(w.reply)+w.Talk.Unread:
			c.part = 0
			return w.answered(c, 1)
		default:
			return nil
		}
	}
}

// skimOnce reads what there is of the head, or throws away what there is of the
// body.
func (w *window) skimOnce(c *client) (int, syscall.Errno) {
	if left := len(w.reply) - c.part; left > 0 {
		return readOnce(c.wire.fd, w.buf[:left])
	}
	return discardOnce(c.wire.fd, len(w.reply)+w.Talk.Unread-c.part)
}
