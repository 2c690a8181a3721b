package worker_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/worker"
)

// deadline is how long a test waits for what must happen; nothing comes near it
// unless something is broken.
const deadline = 20 * time.Second

// noDeadline is for clients that live as long as a benchmark.
var noDeadline time.Time

// TestMain checks that the tests leave no goroutine and no descriptor behind.
func TestMain(m *testing.M) {
	// The first use of net opens the poller of the runtime for good.
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close()
	}
	// So does the first use of signals the goroutine that waits for them.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGALRM)
	signal.Stop(signals)
	goroutines, files := runtime.NumGoroutine(), descriptors()
	code := m.Run()
	if code == 0 && !fuzzing() {
		code = leaks(goroutines, files)
	}
	os.Exit(code)
}

// fuzzing says that the fuzzer's own goroutines and files are there as well.
func fuzzing() bool {
	for _, name := range []string{"test.fuzz", "test.fuzzworker"} {
		if v := flag.Lookup(name).Value.String(); v != "" && v != "false" {
			return true
		}
	}
	return false
}

// leaks waits for goroutines that are just about to end.
func leaks(goroutines, files int) int {
	end := time.Now().Add(deadline)
	for runtime.NumGoroutine() > goroutines || descriptors() > files {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			fmt.Fprintf(os.Stderr, "left: %d goroutines (%d before), %d files (%d before)\n%s\n",
				runtime.NumGoroutine(), goroutines, descriptors(), files, stacks)
			return 1
		}
		time.Sleep(time.Millisecond)
	}
	return 0
}

func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	return len(entries) - 1 // the one that read the directory
}

// service is a worker process inside the test, on a real loop.
type service struct {
	t    testing.TB
	loop *eventloop.Loop
	p    *worker.Process
	fd   int // the listener
	addr string

	secure bool // over ssl

	ready, gone, paused, over chan struct{}
	exits                     chan exit
	ran                       chan error

	mu    sync.Mutex // guards lines
	lines []string
}

type exit struct {
	code int
	why  string
}

// start serves w until the test ends; it returns when the process is ready.
func start(t testing.TB, w *worker.Worker, change ...func(*worker.Env)) *service {
	t.Helper()
	s := launch(t, w, change...)
	await(t, s.ready, "ready")
	return s
}

// launch is start without waiting.
func launch(t testing.TB, w *worker.Worker, change ...func(*worker.Env)) *service {
	t.Helper()
	s := prepare(t, w, change...)
	s.run()
	return s
}

// prepare is launch without running.
func prepare(t testing.TB, w *worker.Worker, change ...func(*worker.Env)) *service {
	t.Helper()
	loop, err := eventloop.New()
	if err != nil {
		t.Fatal(err)
	}
	s := &service{
		t: t, loop: loop,
		ready: make(chan struct{}, 1), gone: make(chan struct{}, 1),
		paused: make(chan struct{}, 64), exits: make(chan exit, 4), ran: make(chan error, 1),
		over: make(chan struct{}, 4),
	}
	env := worker.Env{
		Seated: true,
		Log:    s.log,
		Open: func(string, bool) (int, error) {
			fd, _ := listen(t)
			return fd, nil
		},
		Paused: func() { s.paused <- struct{}{} },
		Ready:  func() { s.ready <- struct{}{} },
		Exit:   func(code int, why string) { s.exits <- exit{code, why} },
		Gone:   func() { s.gone <- struct{}{} },

		TurnOver: func() { s.over <- struct{}{} },
	}
	for _, fn := range change {
		fn(&env)
	}
	d := w.Declaration()
	s.fd, s.secure = -1, d.Transport == "ssl"
	switch six := strings.HasPrefix(d.Host, "["); {
	case d.Network == "unix":
		s.fd, s.addr = listenUnix(t, d.Host), d.Host
	case six:
		s.fd, s.addr = listenSix(t, d)
	case d.Network == "tcp":
		s.fd, s.addr = listen(t)
	case d.Network == "udp":
		s.fd, s.addr = listenUDP(t)
	}
	s.p = worker.NewProcess(loop, w, env)
	return s
}

// run serves on a goroutine until the test ends.
func (s *service) run() {
	go func() { s.ran <- s.loop.Run() }() // ends with stop
	s.loop.Post(func() { s.p.Serve(s.fd) })
	s.t.Cleanup(s.stop)
}

// stop ends the process whatever state it is in.
func (s *service) stop() {
	s.do(func() {
		s.p.Destroy()
		s.loop.Stop()
	})
	if err := <-s.ran; err != nil {
		s.t.Errorf("loop: %v", err)
	}
	s.p.Close()
	if err := s.loop.Close(); err != nil {
		s.t.Error(err)
	}
}

// do runs fn on the loop and waits for it.
func (s *service) do(fn func()) {
	s.t.Helper()
	done := make(chan struct{})
	s.loop.Post(func() {
		defer close(done)
		fn()
	})
	await(s.t, done, "the loop")
}

func (s *service) log(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, text)
}

// logged waits for a log line that contains want.
func (s *service) logged(want string) {
	s.t.Helper()
	eventually(s.t, "log line "+want, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return strings.Contains(strings.Join(s.lines, "\n"), want)
	})
}

// listen opens a listener as the master does.
func listen(t testing.TB) (fd int, addr string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 1024); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, fmt.Sprintf("127.0.0.1:%d", sa.(*unix.SockaddrInet4).Port)
}

// listenUDP opens a socket for datagrams as the master does.
func listenUDP(t testing.TB) (fd int, addr string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, fmt.Sprintf("127.0.0.1:%d", sa.(*unix.SockaddrInet4).Port)
}

// listenUnix opens a Unix socket as the master does.
func listenUnix(t testing.TB, path string) (fd int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: path})
	}
	if err == nil {
		err = unix.Listen(fd, 1024)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// await fails the test when ch stays silent.
func await[T any](t testing.TB, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(deadline):
		t.Fatalf("no %s in time", what)
	}
	return v
}

// eventually is for what has no event of its own.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(deadline)
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// client is the other side, over a real socket.
type client struct {
	*net.TCPConn
	t testing.TB
	r *bufio.Reader
}

func (s *service) dial() *client {
	s.t.Helper()
	return dial(s.t, s.addr)
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	return &client{conn.(*net.TCPConn), t, bufio.NewReader(conn)}
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads exactly want.
func (c *client) expect(want string) {
	c.t.Helper()
	expectBytes(c.t, c.r, want)
}

// expectEnd reads the end of the stream and nothing before it.
func (c *client) expectEnd() {
	c.t.Helper()
	expectEnd(c.t, c.r)
}

// expectBytes reads exactly want.
func expectBytes(t testing.TB, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); err != nil {
		t.Fatalf("got %.99q and %v after %d of %d bytes of %.99q",
			got[:n], err, n, len(want), want)
	}
	if string(got) != want {
		t.Fatalf("got %.99q, want %.99q", got, want)
	}
}

// expectEnd reads the end of the stream and nothing before it.
func expectEnd(t testing.TB, r io.Reader) {
	t.Helper()
	rest, err := io.ReadAll(r)
	if err != nil || len(rest) > 0 {
		t.Fatalf("got %.99q and %v, want the end", rest, err)
	}
}

// drainAll reads until n bytes have come.
func (c *client) discard(n int64) {
	c.t.Helper()
	if got, err := io.CopyN(io.Discard, c.r, n); err != nil {
		c.t.Fatalf("got %d bytes and %v, want %d", got, err, n)
	}
}

// events records callbacks in order, from the loop to the test.
type events chan string

func newEvents() events { return make(events, 1024) }

func (e events) add(format string, a ...any) { e <- fmt.Sprintf(format, a...) }

// expect takes the next events, in this order.
func (e events) expect(t testing.TB, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := await(t, e, w); got != w {
			t.Fatalf("got event %q, want %q", got, w)
		}
	}
}

// none fails when an event is there.
func (e events) none(t testing.TB) {
	t.Helper()
	select {
	case got := <-e:
		t.Fatalf("unexpected event %q", got)
	default:
	}
}

// conn waits for the connection the server has just accepted.
func conns(w *worker.Worker) chan *worker.Connection {
	ch := make(chan *worker.Connection, 1024)
	w.OnConnect = func(c *worker.Connection) { ch <- c }
	return ch
}

// echo is a Worker that sends back what it gets.
func echo(address string) *worker.Worker {
	w := worker.New(address)
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
	return w
}

// pattern makes n bytes that show when one is lost or moved.
func pattern(n int) []byte {
	return bytes.Repeat([]byte("0123456789abcde\n"), n/16+1)[:n]
}
