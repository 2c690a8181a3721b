package load

import (
	"bytes"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// drainLimit is what the server may take for its first answer, and to answer
// what is in flight at the end of a run.
const drainLimit = 30 * time.Second

// Span is when to measure.
type Span struct {
	// Warmup is how long the clients talk before it counts.
	Warmup time.Duration
	// Duration is how long it counts at least.
	Duration time.Duration
	// Mark is called on the thread of the clients when it begins to count
	// and when it ends; nil: nobody wants to know.
	Mark func()
}

func (s *Span) mark() {
	if s.Mark != nil {
		s.Mark()
	}
}

// Window is a loop, closed unless Every says otherwise: each speaker keeps
// InFlight requests unanswered and sends as many new ones, in one write, as
// answers have come in one read.
type Window struct {
	Server netip.AddrPort
	Talk   Talk
	// Speakers is how many connections ask, InFlight how many answers each
	// of them waits for.
	Speakers, InFlight int
	// Every makes the loop open: each speaker asks once in such a time,
	// whether answers have come or not, and latency counts from when it was
	// due; InFlight is 1. 0: closed.
	Every time.Duration
	// Listeners is how many connections only hear: each gets the answer to
	// each request. They connect before the speakers.
	Listeners int
	Span
}

// Result is what clients experienced while it counted.
type Result struct {
	// Messages is how many answers were heard, by listeners too.
	Messages uint64
	Elapsed  time.Duration
	// Latency is from the write of a request to the read that completes its
	// answer, of the speakers.
	Latency Histogram
}

// client is one connection of a window.
type client struct {
	link
	speaks  bool
	batch   []byte // InFlight requests
	part    int    // bytes of the current reply that have come
	flights flights
}

// window is a Window under way. Owned by one locked thread.
type window struct {
	Window
	expectation
	poll    *poller
	clients []client
	buf     []byte
	epoch   time.Time

	speaking    bool
	due         time.Duration // when the next speaker asks, in an open loop
	turns       int           // how many have asked there
	sent, heard uint64        // since the beginning: requests and answers
	result      Result
}

// Run connects, talks and measures. It takes about Warmup and Duration.
func (p Window) Run() (*Result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	w := &window{Window: p, expectation: expect(p.Talk), buf: make([]byte, readSize),
		epoch: time.Now(), speaking: true}
	if p.Every > 0 { // be on time: the kernel may round a sleep up by 50 us
		if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
			return nil, err
		}
	}
	defer w.close()
	if err := w.connect(); err != nil {
		return nil, err
	}
	if err := w.measure(); err != nil {
		return nil, err
	}
	result := w.result // without what is heard afterwards
	return &result, w.drain()
}

// connect opens all connections, listeners first.
func (w *window) connect() (err error) {
	if w.poll, err = newPoller(); err != nil {
		return err
	}
	same := bytes.Repeat(w.Talk.Request, w.InFlight)
	for i := range w.Listeners + w.Speakers {
		l, err := dial(w.Server, w.Talk)
		if err != nil {
			return fmt.Errorf("client %d: %w", i, err)
		}
		c := client{link: l, speaks: i >= w.Listeners, batch: same}
		if c.speaks {
			c.flights = make(flights, 0, w.InFlight)
			if w.Talk.Own != nil {
				c.batch = bytes.Repeat(w.Talk.Own[i-w.Listeners], w.InFlight)
			}
		}
		w.clients = append(w.clients, c)
		if err := l.wire.unblock(); err != nil {
			return err
		}
		if err := w.poll.watch(l.wire.fd, unix.EPOLLIN, i); err != nil {
			return err
		}
	}
	return nil
}

func (w *window) close() {
	for i := range w.clients {
		w.clients[i].close()
	}
	if w.poll != nil {
		w.poll.close()
	}
}

// measure opens the windows and keeps them full for the span.
func (w *window) measure() error {
	if err := w.begin(); err != nil {
		return err
	}
	if err := w.until(w.now() + w.Warmup); err != nil {
		return err
	}
	w.result.Latency.Reset()
	w.mark()
	began, before := w.now(), w.heard
	if err := w.until(began + w.Duration); err != nil {
		return err
	}
	w.result.Elapsed = w.now() - began
	w.result.Messages = w.heard - before
	w.mark()
	return nil
}

// begin opens the windows, or spreads the first questions over Every.
func (w *window) begin() error {
	if w.Every > 0 {
		w.due = w.now()
		return nil
	}
	for i := range w.clients {
		if c := &w.clients[i]; c.speaks {
			if err := w.speak(c, w.InFlight, w.now()); err != nil {
				return err
			}
		}
	}
	return nil
}

// until turns the loop to the given time, and on to the first answer when the
// machine was too busy for one.
func (w *window) until(end time.Duration) error {
	before := w.heard
	for now := w.now(); now < end || w.heard == before && now < end+drainLimit; now = w.now() {
		if err := w.turn(); err != nil {
			return err
		}
	}
	return nil
}

// drain hears out what is in flight: all that was asked must be answered.
func (w *window) drain() error {
	w.speaking = false
	end := w.now() + drainLimit
	want := w.sent * uint64(1+w.Listeners)
	for w.heard < want {
		if w.now() > end {
			return fmt.Errorf("%d of %d answers are missing", want-w.heard, want)
		}
		if err := w.turn(); err != nil {
			return err
		}
	}
	if w.heard > want {
		return fmt.Errorf("%d answers to %d questions", w.heard, want)
	}
	return nil
}

// turn handles what has come.
func (w *window) turn() error {
	sleep := patience
	if w.Every > 0 && w.speaking {
		if err := w.speakDue(); err != nil {
			return err
		}
		sleep = max(0, w.due-w.now())
	}
	events := w.poll.wait(sleep)
	for i := range events {
		if err := w.listen(&w.clients[events[i].Fd]); err != nil {
			return fmt.Errorf("client %d: %w", events[i].Fd, err)
		}
	}
	return nil
}

// listen reads once, and over TLS until there is no more.
func (w *window) listen(c *client) error {
	if w.Talk.Unread > 0 {
		return w.skim(c)
	}
	for {
		n, err := c.read(w.buf)
		switch {
		case err == unix.EAGAIN || err == unix.EINTR:
			return nil
		case err != nil:
			return fmt.Errorf("read: %w", err)
		case n == 0:
			return fmt.Errorf("closed by the server")
		}
		if err := w.hear(c, w.buf[:n]); err != nil || c.tls == nil {
			return err
		}
	}
}

// hear finds the answers in chunk.
func (w *window) hear(c *client, chunk []byte) error {
	if !w.matches(chunk, c.part) {
		return fmt.Errorf("heard %.60q behind %d bytes of an answer, want %.60q",
			chunk, c.part, w.reply)
	}
	total := c.part + len(chunk)
	answers := total / len(w.reply)
	c.part = total % len(w.reply)
	if answers == 0 {
		return nil
	}
	return w.answered(c, answers)
}

// answered counts so many answers and asks as often again.
func (w *window) answered(c *client, answers int) error {
	w.heard += uint64(answers)
	if !c.speaks {
		return nil
	}
	now := w.now()
	if !c.flights.land(answers, now, &w.result.Latency) {
		return fmt.Errorf("more answers than questions")
	}
	if !w.speaking || w.Every > 0 {
		return nil
	}
	return w.speak(c, answers, now)
}

// speak sends n requests in one write. They are in flight in bounded number,
// so the buffer of the socket has room for them.
func (w *window) speak(c *client, n int, now time.Duration) error {
	if err := c.write(c.batch[:n*len(w.Talk.Request)]); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	c.flights.start(n, now)
	w.sent += uint64(n)
	return nil
}

// speakDue asks for all speakers whose time has come, one after another.
func (w *window) speakDue() error {
	step := w.Every / time.Duration(w.Speakers)
	for ; w.due <= w.now(); w.due += step {
		c := &w.clients[w.Listeners+w.turns%w.Speakers]
		if err := w.speak(c, 1, w.due); err != nil {
			return err
		}
		w.turns++
	}
	return nil
}

// now is the time since the run began, of the monotonic clock.
func (w *window) now() time.Duration { return time.Since(w.epoch) }
