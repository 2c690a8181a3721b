package cli

import (
	"encoding/json"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// news is one line of the start channel, see ipc/spec.md.
type news struct {
	Progress *ipc.Progress `json:"progress,omitempty"`
	Result   *ipc.Result   `json:"result,omitempty"`
	Snapshot *ipc.Snapshot `json:"snapshot,omitempty"`
}

// channelTimeout bounds a write to a command that does not read: the master
// has other things to do.
const channelTimeout = time.Second

// startChannel is the daemon's end. Owned by the goroutine that runs the
// master; after the result, or when the command has gone away, it says nothing.
type startChannel struct{ pipe *os.File }

// openChannel takes over the descriptor that the command handed over.
func openChannel(fd int) (*startChannel, error) {
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil { // so that writes have a deadline
		return nil, err
	}
	return &startChannel{os.NewFile(uintptr(fd), "start channel")}, nil
}

func (c *startChannel) progress(p ipc.Progress) { c.send(news{Progress: &p}) }

// result ends the channel; snap is nil for a start that failed.
func (c *startChannel) result(code int, text string, snap *ipc.Snapshot) {
	c.send(news{Result: &ipc.Result{Code: code, Text: text}, Snapshot: snap})
	c.close()
}

func (c *startChannel) send(n news) {
	if c.pipe == nil {
		return
	}
	line, err := json.Marshal(n)
	if err == nil {
		c.pipe.SetWriteDeadline(time.Now().Add(channelTimeout))
		_, err = c.pipe.Write(append(line, '\n'))
	}
	if err != nil {
		c.close()
	}
}

func (c *startChannel) close() {
	if c.pipe != nil {
		c.pipe.Close()
		c.pipe = nil
	}
}
