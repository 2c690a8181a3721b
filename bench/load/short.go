package load

import (
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Short is connections that ask once: connect, send, hear the answer, close.
// So many of them are open at a time.
type Short struct {
	Server     netip.AddrPort
	Talk       Talk // without a greeting
	Concurrent int
	Span
}

// visit is one seat for short connections, one after another.
type visit struct {
	fd    int32
	part  int
	since time.Duration
}

// visits is a Short under way. Owned by one locked thread.
type visits struct {
	Short
	expectation
	poll   *poller
	seats  []visit
	buf    []byte
	epoch  time.Time
	done   uint64
	result Result
}

// Run connects again and again and measures. Latency is from before connecting
// to the answer.
func (p Short) Run() (*Result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	poll, err := newPoller()
	if err != nil {
		return nil, err
	}
	v := &visits{Short: p, expectation: expect(p.Talk), poll: poll, epoch: time.Now(),
		buf: make([]byte, readSize)}
	defer v.close()
	for i := range p.Concurrent {
		v.seats = append(v.seats, visit{fd: -1})
		if err := v.enter(i); err != nil {
			return nil, err
		}
	}
	if err := v.measure(); err != nil {
		return nil, err
	}
	return &v.result, nil
}

func (v *visits) close() {
	for i := range v.seats {
		if fd := v.seats[i].fd; fd >= 0 {
			unix.Close(int(fd))
		}
	}
	v.poll.close()
}

func (v *visits) measure() error {
	if err := v.until(v.now() + v.Warmup); err != nil {
		return err
	}
	v.result.Latency.Reset()
	v.mark()
	began, before := v.now(), v.done
	if err := v.until(began + v.Duration); err != nil {
		return err
	}
	v.result.Elapsed = v.now() - began
	v.result.Messages = v.done - before
	v.mark()
	return nil
}

// until turns the loop to the given time, and on to the first answer when the
// machine was too busy for one.
func (v *visits) until(end time.Duration) error {
	before := v.done
	for now := v.now(); now < end || v.done == before && now < end+drainLimit; now = v.now() {
		if err := v.turn(); err != nil {
			return err
		}
	}
	return nil
}

func (v *visits) turn() error {
	for _, ev := range v.poll.wait(patience) {
		i := int(ev.Fd)
		over, err := v.hear(&v.seats[i])
		if err == nil && over {
			v.done++
			unix.Close(int(v.seats[i].fd))
			v.seats[i].fd = -1
			err = v.enter(i)
		}
		if err != nil {
			return fmt.Errorf("short connection %d: %w", v.done, err)
		}
	}
	return nil
}

// enter connects seat i and asks. Over loopback a connection is made before
// connect returns, so that it can be written to at once.
func (v *visits) enter(i int) error {
	s := &v.seats[i]
	s.part, s.since = 0, v.now()
	var err error
	if s.fd, err = open(v.Server, unix.SOCK_NONBLOCK); err != nil {
		return err
	}
	if n, errno := writeOnce(s.fd, v.Talk.Request); errno != 0 || n < len(v.Talk.Request) {
		return fmt.Errorf("send on a new connection: %d bytes: %w", n, errno)
	}
	return v.poll.watch(s.fd, unix.EPOLLIN, i)
}

// hear reads once; over says that the answer is complete.
func (v *visits) hear(s *visit) (over bool, err error) {
	n, errno := readOnce(s.fd, v.buf)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return false, nil
	case errno != 0:
		return false, fmt.Errorf("read: %w", errno)
	case n == 0:
		return false, fmt.Errorf("closed by the server")
	case s.part+n > len(v.reply) || !v.matches(v.buf[:n], s.part):
		return false, fmt.Errorf("heard %.60q, want %.60q", v.buf[:n], v.reply)
	}
	if s.part += n; s.part < len(v.reply) {
		return false, nil
	}
	v.result.Latency.Add(v.now()-s.since, 1)
	return true, nil
}

func (v *visits) now() time.Duration { return time.Since(v.epoch) }
