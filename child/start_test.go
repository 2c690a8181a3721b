package child

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// testDeadline bounds what a test waits for; nothing comes near it unless
// something is broken.
const testDeadline = 20 * time.Second

// started is a process that a test plays the master for.
type started struct {
	t    *testing.T
	link *ipc.Conn
	cmd  *exec.Cmd
	raw  int      // the test's end of the link, for malformed records
	logs []string // texts of log records that came before what was expected
	out  *os.File // what the process printed
	addr string   // of its listener

	words chan string // what it wrote to its standard error; once
	ended chan int    // exit status; -1 for a signal; once
}

// begin starts the test binary with a hand-over. Descriptors in it are filled
// in here.
func begin(t *testing.T, h ipc.Handover, env ...string) *started {
	t.Helper()
	s := &started{t: t, words: make(chan string, 1), ended: make(chan int, 1)}
	there := s.openLink()
	defer unix.Close(there)
	words, wordsThere := pipe(t)
	defer wordsThere.Close()
	s.out = temporary(t)
	s.cmd = exec.Command(os.Args[0])
	s.cmd.Stdout, s.cmd.Stderr = s.out, wordsThere
	s.cmd.ExtraFiles = []*os.File{duplicate(t, there)}
	if h.Link == 0 {
		h.Link = 3
	}
	if h.Worker != nil && h.Worker.Listener == 0 {
		h.Worker.Listener = 4
		ln, addr := listener(t)
		s.addr = addr
		s.cmd.ExtraFiles = append(s.cmd.ExtraFiles, ln)
	}
	entry, err := h.Encode()
	if err != nil {
		t.Fatal(err)
	}
	// The race detector would wait a second at every exit.
	env = append(env, "GORACE=atexit_sleep_ms=0", entry)
	s.cmd.Env = append(os.Environ(), env...)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range s.cmd.ExtraFiles {
		f.Close()
	}
	go s.readWords(words) // ends with the process
	go s.wait()           // ends with the process
	t.Cleanup(s.end)
	return s
}

// openLink makes the link by hand, to have a descriptor that can write
// anything, and returns the process's end.
func (s *started) openLink() (there int) {
	s.t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.raw, err = unix.FcntlInt(uintptr(fds[0]), unix.F_DUPFD_CLOEXEC, 0); err != nil {
		s.t.Fatal(err)
	}
	if s.link, err = ipc.FromDescriptor(fds[0]); err != nil {
		s.t.Fatal(err)
	}
	s.link.SetDeadline(time.Now().Add(testDeadline))
	return fds[1]
}

func (s *started) readWords(pipe *os.File) {
	defer pipe.Close()
	text, err := io.ReadAll(pipe)
	if err != nil {
		s.t.Error(err)
	}
	s.words <- string(text)
}

func (s *started) wait() {
	s.cmd.Wait()
	s.ended <- s.cmd.ProcessState.ExitCode()
}

// hangUp closes the link, as the end of the master does.
func (s *started) hangUp() {
	s.link.Close()
	if s.raw >= 0 {
		unix.Close(s.raw)
		s.raw = -1
	}
}

// end leaves nothing of a process behind.
func (s *started) end() {
	s.hangUp()
	if s.cmd.Process.Kill() == nil {
		<-s.ended
	}
	if s.t.Failed() {
		text, _ := os.ReadFile(s.out.Name())
		s.t.Logf("process printed:\n%s\nand logged:\n%s", text, strings.Join(s.logs, "\n"))
	}
}

// exits waits for the end of the process and compares its status.
func (s *started) exits(want int) {
	s.t.Helper()
	select {
	case got := <-s.ended:
		s.ended <- got
		if got != want {
			s.t.Errorf("exit status %d, want %d", got, want)
		}
	case <-time.After(testDeadline):
		s.t.Fatal("the process does not end")
	}
}

func (s *started) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func (s *started) send(m ipc.Message, fds ...int) {
	s.t.Helper()
	if err := s.link.Send(m, fds...); err != nil {
		s.t.Fatal(err)
	}
}

// next returns the next message that is no log record.
func (s *started) next() ipc.Message {
	s.t.Helper()
	for {
		m, _, err := s.link.Recv()
		if err != nil {
			s.t.Fatalf("link: %v", err)
		}
		log, ok := m.(*ipc.Log)
		if !ok {
			return m
		}
		s.logs = append(s.logs, log.Text)
	}
}

// expect returns the next message, which must be a T.
func expect[T ipc.Message](s *started) T {
	s.t.Helper()
	m := s.next()
	got, ok := m.(T)
	if !ok {
		s.t.Fatalf("got %T %+v, want %T", m, m, got)
	}
	return got
}

// expectLog waits for a log record with a text in it.
func (s *started) expectLog(text string) {
	s.t.Helper()
	for {
		for i, log := range s.logs {
			if strings.Contains(log, text) {
				s.logs = s.logs[i+1:]
				return
			}
		}
		s.logs = nil
		m, _, err := s.link.Recv()
		log, ok := m.(*ipc.Log)
		if !ok {
			s.t.Fatalf("got %T %+v, %v, want log %q", m, m, err, text)
		}
		s.logs = []string{log.Text}
	}
}

// leaves expects an orderly end.
func (s *started) leaves(code int) {
	s.t.Helper()
	if bye := expect[*ipc.Goodbye](s); bye.Code != code {
		s.t.Errorf("goodbye with %d, want %d", bye.Code, code)
	}
	if m, _, err := s.link.Recv(); !ipc.Gone(err) {
		s.t.Errorf("after goodbye: %T, %v", m, err)
	}
	s.exits(code)
}

// client talks protocol text to the process.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (s *started) dial() *client {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(testDeadline))
	return &client{s.t, conn, bufio.NewReader(conn)}
}

func (c *client) write(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

// ask sends one message and compares the answer.
func (c *client) ask(message, want string) {
	c.t.Helper()
	c.write(message + "\n")
	got, err := c.in.ReadString('\n')
	if err != nil || got != want+"\n" {
		c.t.Fatalf("answer to %q: %q, %v, want %q", message, got, err, want)
	}
}

// closed expects the end of the connection.
func (c *client) closed() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.in); err != nil || len(rest) > 0 {
		c.t.Errorf("got %q, %v, want end of file", rest, err)
	}
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

func temporary(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// duplicate wraps a copy of fd.
func duplicate(t *testing.T, fd int) *os.File {
	t.Helper()
	other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(other), "link")
}

// listener makes a listening socket as the master does.
func listener(t *testing.T) (file *os.File, addr string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	// Wrapped while it blocks: only then os/exec leaves O_NONBLOCK alone.
	file = os.NewFile(uintptr(fd), "listener")
	at := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	err = errors.Join(unix.SetNonblock(fd, true), unix.Bind(fd, at), unix.Listen(fd, 16))
	if err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return file, fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
}

// printed is what the process wrote to its output so far.
func (s *started) printed() string {
	s.t.Helper()
	text, err := os.ReadFile(s.out.Name())
	if err != nil {
		s.t.Fatal(err)
	}
	return string(bytes.TrimSpace(text))
}
