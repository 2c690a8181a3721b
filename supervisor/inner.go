package supervisor

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// onListen opens a port that a process asked for in OnWorkerStart. The slot
// keeps it, so that its next process gets the same socket with everybody who
// waits in its queue.
func (s *Supervisor) onListen(p *process, m *ipc.Listen) {
	sl := p.slot
	lis := sl.inner[m.Address]
	if lis == nil {
		network, host, err := splitAddress(m.Address)
		if err == nil {
			lis, err = s.sys.bind(network, host, p.plan.spec.Backlog)
		}
		if err != nil {
			p.link.send(&ipc.Listening{ID: m.ID, Error: err.Error()})
			return
		}
		sl.inner[m.Address] = lis
	}
	p.inner[m.Address] = true
	if err := p.link.pass(&ipc.Listening{ID: m.ID}, lis.fd); err != nil {
		p.link.send(&ipc.Listening{ID: m.ID, Error: err.Error()})
	}
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
			unix.Close(lis.fd)
			delete(sl.inner, address)
		}
	}
}

func closeDescriptors(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
