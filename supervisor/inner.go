package supervisor

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/listen"
)

// maxInner bounds the inner ports of a slot.
const maxInner = 64

// onListen opens a port that a process asked for in OnWorkerStart.
func (s *Supervisor) onListen(p *process, m *ipc.Listen) {
	lis, err := s.innerListener(p, m)
	if err == nil {
		p.inner[m.Address] = true
		err = p.link.pass(&ipc.Listening{ID: m.ID}, lis.FD)
	}
	if err != nil {
		p.link.send(&ipc.Listening{ID: m.ID, Error: err.Error()})
	}
}

// innerListener returns the socket of an inner address. The slot keeps it, so
// that its next process gets the same one with everybody who waits in its
// queue.
func (s *Supervisor) innerListener(p *process, m *ipc.Listen) (*listener, error) {
	sl, address := p.slot, m.Address
	if lis := sl.inner[address]; lis != nil {
		return lis, nil
	}
	switch {
	case p != sl.current && p != sl.next || !p.toldAt.IsZero():
		return nil, fmt.Errorf("listen %s: this process is leaving", address)
	case len(sl.inner) >= maxInner:
		return nil, fmt.Errorf("listen %s: a process may have %d inner ports", address, maxInner)
	}
	network, host, err := splitAddress(address)
	if err != nil {
		return nil, err
	}
	lis, err := s.openAs(p.plan.ident, listen.Address{
		Network: network, Host: host, Backlog: p.plan.spec.Backlog, ReusePort: m.ReusePort,
		Brief: true, // it may look for a free port among thousands
	})
	if err == nil {
		sl.inner[address] = lis
	}
	return lis, err
}

// openAs makes the file of a Unix socket with the rights of a process's user.
func (s *Supervisor) openAs(id *identity, a listen.Address) (lis *listener, err error) {
	if a.Network != "unix" {
		return s.open(a)
	}
	asUser(id, func() { lis, err = s.open(a) })
	return lis, err
}

// splitAddress takes network://host apart.
func splitAddress(address string) (network, host string, err error) {
	network, host, found := strings.Cut(address, "://")
	if !found || host == "" {
		return "", "", fmt.Errorf("listen %q: no network://host", address)
	}
	return network, host, nil
}

// closeInner closes the slot's inner ports but those that p asked for.
func (sl *slot) closeInner(p *process) {
	for address, lis := range sl.inner {
		if p == nil || !p.inner[address] {
			lis.Close()
			delete(sl.inner, address)
		}
	}
}

func closeDescriptors(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
