package child

import (
	"errors"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// OrphanGrace is how long a worker process whose master is gone may finish
// what it is doing. After it nothing of the service is left, whatever the loop
// does, and a new master finds the addresses free.
const OrphanGrace = 2 * time.Second

var errLinkEnded = errors.New("the master is gone")

// onLinkEnd leaves: nobody supervises this process any more. A record that
// breaks the protocol is as final as the end of the master, but the master is
// told.
func (p *process) onLinkEnd(err error) {
	code := ipc.ExitOrphan
	if !ipc.Gone(err) {
		code = ipc.ExitFailed
		p.out.send(&ipc.Failed{Code: code, Text: "link: " + err.Error()})
	}
	p.open.end(errLinkEnded)
	p.leave(departure{within: OrphanGrace, enforced: true, code: code})
}
