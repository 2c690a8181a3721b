package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/gateway/wire"
)

// socket is the connection of a Client to one Gateway. It is made when it is
// needed, and made anew when it has ended. What is sent goes out in the order of
// the calls; questions are answered in order. Any goroutine may use it.
type socket struct {
	address string
	c       *Client

	// turn is a lock that a context can give up waiting for: who is in it dials
	// and writes, and owns the fields below.
	turn     chan struct{}
	now      *stream // nil before the first use
	failure  error   // of the last dial
	failedAt time.Time

	mu     sync.Mutex    // guards the fields below
	open   *stream       // now, for who closes it
	shut   error         // why there may be no connection any more
	recent bool          // used since the last tick of the Client
	lacks  map[byte]bool // commands that it has turned out to be too old for
}

// againAfter is how long a Gateway that could not be reached in ConnectTimeout is
// not dialled: who pushes often must not wait each time.
const againAfter = time.Second

func (c *Client) newSocket(address string) *socket {
	return &socket{address: address, c: c, turn: make(chan struct{}, 1)}
}

// send implements sender.
func (s *socket) send(ctx context.Context, packet []byte) error {
	_, err := s.write(ctx, packet, nil)
	return err
}

// ask implements asker. A connection that ends before the answers came may have
// been dead for long, so a question goes out a second time; it changes nothing at
// the Gateway.
func (s *socket) ask(ctx context.Context, questions []inquiry) ([][]byte, error) {
	if q := questions[0]; q.newer && s.tooOld(q.packet[4]) {
		return make([][]byte, len(questions)), nil
	}
	var packet []byte
	for _, q := range questions {
		packet = append(packet, q.packet...)
	}
	for again := false; ; again = true {
		asked := make([]*waiter, len(questions))
		for i, q := range questions {
			asked[i] = &waiter{answer: make(chan verdict, 1), newer: q.newer}
		}
		_, err := s.write(ctx, packet, asked)
		if err != nil {
			return nil, err
		}
		answers, err := awaitAnswers(ctx, asked)
		if err == nil && answers[0] == nil {
			s.learn(questions[0].packet[4])
		}
		if again || !errors.Is(err, errEnded) {
			return answers, err
		}
	}
}

// tooOld says that the Gateway does not know a command, learn notes it: for this
// connection, because the next one may be to a newer Gateway.
func (s *socket) tooOld(command byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lacks[command] && s.open != nil && s.open.alive()
}

func (s *socket) learn(command byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lacks == nil {
		s.lacks = make(map[byte]bool)
	}
	s.lacks[command] = true
}

// awaitAnswers takes the answers as they come.
func awaitAnswers(ctx context.Context, asked []*waiter) ([][]byte, error) {
	values := make([][]byte, len(asked))
	for i, q := range asked {
		select {
		case a := <-q.answer:
			if a.err != nil {
				return nil, a.err
			}
			values[i] = a.value
		case <-ctx.Done():
			return nil, late(ctx)
		}
	}
	return values, nil
}

// late says how a context has ended.
func late(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrTimeout, ctx.Err())
	}
	return context.Cause(ctx)
}

// write writes whole packets, and the questions among them. A connection that the
// Gateway has closed is made anew: it cannot have read all of the packets, and so
// has not done the last of them.
func (s *socket) write(
	ctx context.Context, packet []byte, asked []*waiter,
) (*stream, error) {
	began := time.Now()
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, late(ctx)
	}
	defer func() { <-s.turn }()
	for {
		st, fresh, err := s.connected(ctx, began)
		if err != nil {
			return nil, err
		}
		err = st.write(ctx, packet, asked)
		if err == nil || fresh || !errors.Is(err, errEnded) {
			return st, err
		}
	}
}

// connected returns the connection, a fresh one when there is none. Called in turn.
func (s *socket) connected(ctx context.Context, began time.Time) (*stream, bool, error) {
	if s.now != nil && s.now.alive() {
		s.mu.Lock()
		s.recent = true
		s.mu.Unlock()
		return s.now, false, nil
	}
	if s.now != nil && s.now.vanished() {
		return nil, false, s.now.why()
	}
	if s.failedAt.After(began) || slow(s.failure) && time.Since(s.failedAt) < againAfter {
		return nil, false, s.failure // of who dialled while this one waited
	}
	st, err := s.dial(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.failure, s.failedAt = err, time.Now()
		}
		return nil, false, err
	}
	s.now, s.failure, s.failedAt = st, nil, time.Time{}
	return st, true, nil
}

// slow says that connecting has taken all of ConnectTimeout.
func slow(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// dial connects and says hello. Called in turn.
func (s *socket) dial(ctx context.Context) (*stream, error) {
	began := time.Now()
	conn, err := dialInner(ctx, s.address, s.c.connectTimeout())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOffline, err)
	}
	if s.c.via != nil {
		err = noticeSilence(conn)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	st := &stream{conn: conn, began: began, timeout: s.c.timeout(), maxAnswer: s.c.maxAnswer()}
	if err := s.opened(st); err != nil {
		_ = conn.Close()
		return nil, err
	}
	if err := st.write(ctx, clientLogin(s.c.SecretKey), nil); err != nil {
		s.c.running.Done()
		return nil, err
	}
	go st.read(s.c.running.Done) // ends when the connection does
	return st, nil
}

// clientLogin is what a client of the API says first (wire.md 2.12).
func clientLogin(secret string) []byte {
	body := wire.ClientHello{Secret: secret}.Append(nil)
	pk := wire.Packet{Command: wire.GatewayClientConnect, Flag: wire.Scalar, Body: body}
	return pk.Append(nil)
}

// opened notes a new connection; an error says why there may be none any more.
func (s *socket) opened(st *stream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut != nil {
		return s.shut
	}
	s.open, s.recent, s.lacks = st, true, nil
	s.c.running.Add(1)
	return nil
}

// close ends the connection. Final says that there will be no other one.
func (s *socket) close(final bool, why error) {
	s.mu.Lock()
	st := s.open
	s.open = nil
	if final && s.shut == nil {
		s.shut = why // the Client does not know it any more, so nobody would end another one
	}
	s.mu.Unlock()
	if st != nil {
		st.fail(why)
	}
}

// idle says that nobody has used the connection since the last call of idle.
func (s *socket) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	recent := s.recent
	s.recent = false
	return !recent
}

// errEnded is how a connection that the Gateway has closed, or lost, ends.
var errEnded = errors.New("the connection has ended")

// ended says why reading or writing has failed.
func ended(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: %w: closed by the Gateway: is SecretKey the same?",
			ErrOffline, errEnded)
	case errors.Is(err, unix.ETIMEDOUT): // who asks again would wait again
		return fmt.Errorf("%w: the host has vanished: %w", ErrOffline, err)
	}
	return fmt.Errorf("%w: %w: %w", ErrOffline, errEnded, err)
}
