package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stream is one TCP connection to a Gateway. One goroutine at a time writes, and
// one of its own reads.
type stream struct {
	conn      net.Conn
	began     time.Time     // before it was dialled
	timeout   time.Duration // within which a question is answered
	maxAnswer int

	mu    sync.Mutex // guards the fields below
	asked []*waiter
	err   error     // why it has ended
	ended time.Time // when
}

// waiter waits for the answer to a question.
type waiter struct {
	answer chan verdict // has room for it
	newer  bool         // see inquiry
	due    time.Time
}

type verdict struct {
	value []byte
	err   error
}

// write writes packets. The deadline is that of ctx.
func (st *stream) write(ctx context.Context, packet []byte, asked []*waiter) error {
	if err := st.expect(asked); err != nil {
		return err
	}
	deadline, _ := ctx.Deadline()
	_ = st.conn.SetWriteDeadline(deadline)
	if _, err := st.conn.Write(packet); err != nil {
		return st.fail(ended(err))
	}
	return nil
}

// expect puts questions in line before they are written: the answer may be there
// before Write has returned.
func (st *stream) expect(asked []*waiter) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.err != nil {
		return st.err
	}
	due := time.Now().Add(st.timeout)
	for _, q := range asked {
		q.due = due
	}
	if len(st.asked) == 0 && len(asked) > 0 {
		_ = st.conn.SetReadDeadline(due)
	}
	st.asked = append(st.asked, asked...)
	return nil
}

// alive says that the Gateway has not closed the connection. It asks the kernel,
// because a packet that is written into a connection of a Gateway that has been
// started anew is lost without an error.
func (st *stream) alive() bool {
	st.mu.Lock()
	err := st.err
	st.mu.Unlock()
	return err == nil && !hungUp(st.conn)
}

// vanished says that the host of the Gateway has been found to be gone just now.
func (st *stream) vanished() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return errors.Is(st.err, unix.ETIMEDOUT) && time.Since(st.ended) < againAfter
}

func (st *stream) why() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.err
}

// noticeSilence ends a connection for questions alone when the other kernel leaves one
// without a word for silentHost: a handler waits for it, perhaps with the whole loop.
// A Gateway that does not read has a kernel that speaks.
func noticeSilence(conn net.Conn) error {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	set := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT,
			int(silentHost/time.Millisecond))
	})
	return errors.Join(set, err)
}

// hungUp says that the other side has closed conn.
func hungUp(conn net.Conn) bool {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	err = raw.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(p, 0)
		gone = err == nil && n > 0
	})
	return gone || err != nil
}

// read takes answers until the connection ends, and then calls done. A Gateway says
// nothing that it was not asked for.
func (st *stream) read(done func()) {
	defer done()
	r := bufio.NewReader(st.conn)
	for {
		value, err := readAnswer(r, st.maxAnswer)
		if err != nil {
			if !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrBadAnswer) {
				err = ended(err)
			}
			st.fail(err)
			return
		}
		if !st.deliver(value) {
			st.fail(fmt.Errorf("%w: %d bytes that nobody asked for", ErrBadAnswer, len(value)))
			return
		}
	}
}

// readAnswer reads a length and so many bytes (wire.md 2.8). Memory is taken as
// they come, not because of what the length says.
func readAnswer(r io.Reader, most int) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int64(binary.BigEndian.Uint32(head[:]))
	switch {
	case n == 0:
		return nil, fmt.Errorf("%w: no bytes", ErrBadAnswer)
	case n > int64(most):
		return nil, fmt.Errorf("%w: answer of %d bytes, at most %d", ErrTooLarge, n, most)
	}
	var value bytes.Buffer
	if got, err := io.CopyN(&value, r, n); err != nil {
		return nil, fmt.Errorf("answer cut after %d of %d bytes: %w", got, n, err)
	}
	return value.Bytes(), nil
}

// deliver gives an answer to the question it is for; false when there is none.
func (st *stream) deliver(value []byte) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	for len(st.asked) > 0 {
		q := st.asked[0]
		st.asked[0] = nil
		st.asked = st.asked[1:]
		if q.newer && value[0] == 'i' {
			q.answer <- verdict{} // this is the answer to the next one
			continue
		}
		q.answer <- verdict{value: value}
		var due time.Time // none: nothing has to come
		if len(st.asked) > 0 {
			due = st.asked[0].due
		}
		_ = st.conn.SetReadDeadline(due)
		return true
	}
	return false
}

// fail ends the connection. Who has waited for too long gets err; who has not gets
// errEnded, and may ask again.
func (st *stream) fail(err error) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.err != nil {
		return st.err
	}
	now := time.Now()
	st.err, st.ended = err, now
	_ = st.conn.Close()
	for _, q := range st.asked {
		why := err
		if errors.Is(err, ErrTimeout) && now.Before(q.due) {
			why = fmt.Errorf("%w: another question was not answered", errEnded)
		}
		q.answer <- verdict{err: why}
	}
	st.asked = nil
	return err
}

// dialInner connects to a Gateway or a Register. A host that vanishes ends what is
// idle within 10 s. A Gateway that is there and does not read is another matter: its
// questions have a deadline, and so has what fills the buffers.
func dialInner(ctx context.Context, address string, timeout time.Duration) (net.Conn, error) {
	d := net.Dialer{
		Timeout: timeout,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: keepIdle * time.Second,
			Interval: keepInterval * time.Second, Count: keepProbes,
		},
	}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil && ctx.Err() != nil {
		return nil, late(ctx)
	}
	return conn, err
}
