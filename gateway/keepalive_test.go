package gateway

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/worker"
)

func TestInnerConnectionsAreKeptAlive(t *testing.T) {
	s := runRegister(t, nil)
	w := registerPeerWith(t, s, someWorker)
	w.expect(noGateway)
	s.Do("Register", func(r *worker.Worker) {
		for c := range r.Connections() {
			expectKeptAlive(t, c)
		}
	})
	s.Advance(time.Hour) // which is none for the kernel
	w.expectNothing(s)
	w.Close()
	s.Advance(time.Hour)
}

func expectKeptAlive(t *testing.T, c *worker.Connection) {
	t.Helper()
	on, err := unix.GetsockoptInt(c.Fd(), unix.SOL_SOCKET, unix.SO_KEEPALIVE)
	if on == 0 || err != nil {
		t.Errorf("keepalive is %d, %v", on, err)
	}
	for name, want := range map[int]int{
		unix.TCP_KEEPIDLE: keepIdle, unix.TCP_KEEPINTVL: keepInterval, unix.TCP_KEEPCNT: keepProbes,
	} {
		if got, err := unix.GetsockoptInt(c.Fd(), unix.IPPROTO_TCP, name); got != want {
			t.Errorf("option %d is %d, %v, want %d", name, got, err, want)
		}
	}
}

// look is what TCP_INFO says at a time.
type look struct {
	at      time.Duration
	unacked uint32
	probes  uint8
	heard   time.Duration // ago
	want    bool
}

func TestAConnectionIsAGhostWhenNothingIsHeardOfWhatWasSent(t *testing.T) {
	const s = time.Second
	for name, looks := range map[string][]look{
		"idle for ever": {{0, 0, 0, 3600 * s, false}, {2 * s, 0, 0, 3602 * s, false},
			{60 * s, 0, 0, 3660 * s, false}},
		"vanished": {{0, 1, 0, 3600 * s, false}, {2 * s, 1, 0, 3602 * s, false},
			{4 * s, 1, 0, 3604 * s, false}, {6 * s, 1, 0, 3606 * s, true}},
		"sent just now, after an hour": {{0, 0, 0, 3600 * s, false}, {2 * s, 1, 0, 3602 * s, false},
			{4 * s, 0, 0, 1 * s, false}, {6 * s, 1, 0, 3 * s, false}, {8 * s, 0, 0, s, false}},
		"always something on the way": {{0, 9, 0, s / 100, false}, {2 * s, 9, 0, s / 100, false},
			{4 * s, 9, 0, s, false}, {6 * s, 9, 0, s, false}, {8 * s, 9, 0, s, false}},
		"alive, and not reading": {{0, 0, 0, s, false}, {2 * s, 0, 0, 3 * s, false},
			{60 * s, 0, 1, 58 * s, false}, {62 * s, 0, 0, s, false}, {100 * s, 0, 1, 39 * s, false}},
		"vanished while not reading": {{0, 0, 3, 20 * s, false}, {2 * s, 0, 3, 22 * s, false},
			{6 * s, 0, 4, 26 * s, true}},
		"a late look": {{0, 1, 0, 0, false}, {60 * s, 1, 0, 60 * s, true}},
	} {
		var quiet silence
		start := time.Now()
		for _, l := range looks {
			info := &unix.TCPInfo{
				Unacked: l.unacked, Probes: l.probes, Last_ack_recv: uint32(l.heard.Milliseconds()),
			}
			if got := quiet.tooLong(start.Add(l.at), info); got != l.want {
				t.Errorf("%s: %v after %v, want %v", name, got, l.at, l.want)
			}
		}
	}
}
