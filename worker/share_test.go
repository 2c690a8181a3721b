package worker_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/worker"
)

// TestStuckClientsLeaveRoomForOthers: many that do not read may together not
// take what one that reads needs for a moment.
func TestStuckClientsLeaveRoomForOthers(t *testing.T) {
	const limit, message = 16 << 20, 32 << 10
	w := worker.New("tcp://127.0.0.1:0")
	w.OnMessage = func(*worker.Connection, []byte) {}
	w.Limits.QueuedBytes = limit
	accepted := conns(w)
	s := start(t, w)
	var stuck []*worker.Connection
	narrow := func() *client { // the kernel takes little of what is sent to it
		c := s.dial()
		c.SetReadBuffer(16 << 10)
		return c
	}
	for range 30 { // 30 MiB together, if each had its MaxSendBufferSize
		narrow()
		stuck = append(stuck, await(t, accepted, "connection"))
	}
	reader := narrow()
	late := await(t, accepted, "connection")
	s.do(func() {
		for _, c := range append(stuck, late) {
			unix.SetsockoptInt(c.Fd(), unix.SOL_SOCKET, unix.SO_SNDBUF, 16<<10)
		}
		data := pattern(message)
		for refused := 0; refused < len(stuck); {
			refused = 0
			for _, c := range stuck {
				if c.Send(data); c.Send(data) == worker.ErrBufferFull {
					refused++
				}
			}
		}
		if got := worker.Backlog(s.p); got > limit {
			t.Errorf("%d bytes of backlog, want at most %d", got, limit)
		}
		for late.SendQueueSize() < message { // until the kernel takes no more
			late.Send(data)
			late.Flush()
		}
		if err := late.Send(data); err != nil {
			t.Errorf("one more to a client that has %d: %v", late.SendQueueSize(), err)
		}
		late.Close()
	})
	reader.discard(message)
}

func TestConnectionsThatDoNotEndAreCutOff(t *testing.T) {
	closed := newEvents()
	w := worker.New("tcp://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, _ []byte) { c.Send(pattern(8 << 20)) }
	w.OnClose = func(c *worker.Connection) { closed.add("close %d", c.ID) }
	w.Life.StopTimeout = deadline / 40
	s := start(t, w)
	s.dial().send("x") // and reads nothing
	eventually(t, "backlog", func() (full bool) {
		s.do(func() { full = worker.Backlog(s.p) > 0 })
		return full
	})
	s.do(func() { s.p.Drain(false) })
	closed.expect(t, "close 1")
	await(t, s.gone, "end of the drain")
	s.logged("closing 1 connection that did not end in time")
}
