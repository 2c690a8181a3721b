package gateway

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/worker"
)

// A host that vanishes says nothing. Its inner connections end within 7 s, so that it
// is off every list within 10: the kernel asks idle ones after 3, 4 and 5 s, and gives
// up at 6; for those with something on the way see ghosts.
const (
	keepIdle     = 3 // seconds
	keepInterval = 1 // seconds
	keepProbes   = 3

	ghostLook  = time.Second
	ghostAfter = 5 * time.Second

	// silentHost and linkedConnect are for the questions of a BusinessWorker, whose
	// handlers wait for them.
	silentHost    = 3 * time.Second
	linkedConnect = 2 * time.Second
)

// keepWatch has an inner connection end when the host of its peer has vanished.
// Called on the loop goroutine, in OnConnect, on both sides.
func keepWatch(c *worker.Connection) {
	fd := c.Fd()
	if fd < 0 || c.Transport() == "unix" {
		return
	}
	for _, o := range []struct{ level, name, value int }{
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepIdle},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepInterval},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepProbes},
	} {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			worker.Log("connection %d: keepalive: %v", c.ID, err)
			return
		}
	}
	ghosts(c)
}

// ghosts looks after what was sent on c and had no answer from the other kernel:
// keepalive does not, and TCP_USER_TIMEOUT would also end the connection of a peer
// that is there, and has not read for so long that its window is closed.
func ghosts(c *worker.Connection) {
	loop, ctx := worker.Loop(), c.Context()
	var quiet silence
	var look eventloop.TimerID
	look = loop.AddInnerTimer(ghostLook, true, func() {
		if ctx.Err() != nil { // c may be connected again: that has its own
			loop.DelTimer(look)
			return
		}
		info, err := unix.GetsockoptTCPInfo(c.Fd(), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil || !quiet.tooLong(time.Now(), info) {
			return
		}
		loop.DelTimer(look)
		worker.Log("connection %d: the host of %s has vanished: nothing came from it for %v",
			c.ID, c.RemoteAddr(), ghostAfter)
		c.Destroy()
	})
}

// silence is how long a connection has waited for the other kernel.
type silence struct{ since time.Time }

// tooLong says that something was on the way for ghostAfter and that no word came
// meanwhile. It takes the time of the kernel, not that of the loop.
func (s *silence) tooLong(now time.Time, info *unix.TCPInfo) bool {
	waited := now.Sub(s.since)
	heard := time.Duration(info.Last_ack_recv) * time.Millisecond
	switch {
	case info.Unacked == 0 && info.Probes == 0:
		s.since = time.Time{}
	case s.since.IsZero() || heard < waited:
		s.since = now
	default:
		return waited >= ghostAfter
	}
	return false
}
