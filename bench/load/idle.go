package load

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Idle is connections that are open and silent.
type Idle struct{ fds []int32 }

// Hold makes n connections, one after another; each asks once and hears the
// answer, so that it is a connection that has been used, and is silent then.
func Hold(server netip.AddrPort, t Talk, n int) (*Idle, error) {
	held := &Idle{fds: make([]int32, 0, n)}
	e := expect(t)
	for i := range n {
		l, err := dial(server, t)
		if err == nil {
			held.fds = append(held.fds, l.wire.fd) // what TLS keeps is not needed any more
			err = e.exchange(&l, t.Request)
		}
		if err != nil {
			held.Close()
			return nil, fmt.Errorf("idle connection %d of %d: %w", i, n, err)
		}
	}
	return held, nil
}

// exchange asks once on a socket that blocks.
func (e *expectation) exchange(l *link, request []byte) error {
	got, err := ask(l, request, func(got []byte) bool { return len(got) >= len(e.reply) })
	if err == nil && (len(got) != len(e.reply) || !e.matches(got, 0)) {
		err = fmt.Errorf("heard %.60q, want %.60q", got, e.reply)
	}
	return err
}

// Close ends all of them.
func (h *Idle) Close() {
	for _, fd := range h.fds {
		unix.Close(int(fd))
	}
	h.fds = nil
}
