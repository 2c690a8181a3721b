package worker

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/workerman-go/wm/protocol"
)

const (
	// maxAccess is how many bytes of lines wait for the disk.
	maxAccess = 1 << 20
	// muchAccess is what is written without waiting for more.
	muchAccess = 64 << 10
	// accessPause is how long lines are gathered, and how often is looked
	// whether the file is still there.
	accessPause = time.Second
)

// accessLog writes the lines of a Worker's AccessLog, see there. Lines are added
// by any goroutine, which never wait for the disk; one goroutine writes them.
type accessLog struct {
	p          *Process
	path       string
	wake, much chan struct{}
	quit, done chan struct{}

	mu      sync.Mutex // guards the fields below
	lines   []byte
	held    int // bytes that the goroutine could not write
	dropped int
	second  int64 // that stamp is of
	stamp   []byte

	// Of the goroutine.
	file    *os.File
	looked  time.Time // for the file
	told    time.Time // of dropped lines
	failing bool      // the last write did
	out     []byte    // whole lines, but for one that was written in part
}

// openAccess opens the AccessLog of w, before OnWorkerStart.
func (w *Worker) openAccess() error {
	if w.AccessLog == "" || w.access != nil {
		return nil
	}
	file, err := openAppend(w.AccessLog)
	if err != nil {
		return fmt.Errorf("AccessLog: %w", err)
	}
	l := &accessLog{
		p: w.p, path: w.AccessLog, file: file, looked: time.Now(),
		wake: make(chan struct{}, 1), much: make(chan struct{}, 1),
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	w.access = l
	go l.run() // ends with end
	return nil
}

// openAppend leaves it to the kernel that lines of several processes come one
// behind the other. O_NONBLOCK: a fifo that nobody reads is an error, and not a
// start that hangs.
func openAppend(path string) (*os.File, error) {
	const flags = os.O_WRONLY | os.O_APPEND | os.O_CREATE | syscall.O_NONBLOCK
	return os.OpenFile(path, flags, 0o640)
}

// AccessLog is protocol.AccessLogger.
func (c *Connection) AccessLog() protocol.AccessLog {
	if c.Worker == nil || c.Worker.access == nil {
		return nil
	}
	return (*answerLog)(c)
}

// answerLog is the log as the protocol of a connection sees it.
type answerLog Connection

// Add notes an answer.
func (c *answerLog) Add(a protocol.Answer) {
	conn := (*Connection)(c)
	ip := conn.remote()
	if a.Forwarded != "" {
		ip = conn.Forwarded(a.Forwarded).Addr()
	}
	conn.Worker.access.add(ip, a)
}

// addRequest notes what a Handler has answered.
func (l *accessLog) addRequest(a *responder, r *http.Request) {
	status, size := a.status, a.bytes
	switch {
	case a.hijacked && status == 0: // whoever has it speaks for himself
		status, size = http.StatusSwitchingProtocols, -1
	case r.Method == http.MethodHead:
		size = 0
	}
	at, _ := netip.ParseAddrPort(r.RemoteAddr) // zero for Unix sockets
	line := make([]byte, 0, 256)
	line = append(append(line, r.Method...), ' ')
	line = append(append(line, r.RequestURI...), ' ')
	l.add(at.Addr().Unmap(), protocol.Answer{
		Request: append(line, r.Proto...),
		Referer: bytesOf(r.Referer()), Agent: bytesOf(r.UserAgent()),
		Status: status, Bytes: size,
	})
}

// add never waits for the disk. Any goroutine.
func (l *accessLog) add(ip netip.Addr, a protocol.Answer) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.second != now.Unix() || l.stamp == nil {
		l.second, l.stamp = now.Unix(), now.AppendFormat(l.stamp[:0], accessTime)
	}
	before := len(l.lines)
	l.lines = appendAccess(l.lines, ip, l.stamp, a)
	switch n := len(l.lines); {
	case n+l.held > maxAccess:
		l.lines = l.lines[:before]
		l.dropped++
	case before == 0:
		signalOnce(l.wake)
	case before < muchAccess && n >= muchAccess:
		signalOnce(l.much)
	}
}

func signalOnce(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// end writes what is there and closes the file. It waits a second at most.
func (l *accessLog) end() {
	close(l.quit)
	select {
	case <-l.done:
	case <-time.After(accessPause):
		l.p.logf("access log %s: the end of it is not written yet", l.path)
	}
}

// run gathers lines and writes them.
func (l *accessLog) run() {
	defer close(l.done)
	for {
		if len(l.out) == 0 {
			select {
			case <-l.wake:
			case <-l.quit:
				l.finish()
				return
			}
		}
		much := l.much
		if l.failing {
			much = nil // a full disk is not asked more often
		}
		select {
		case <-much:
		case <-time.After(accessPause):
		case <-l.quit:
			l.finish()
			return
		}
		l.write()
	}
}

// finish is the last write.
func (l *accessLog) finish() {
	l.told = time.Time{}
	l.write()
	l.mu.Lock()
	lost := len(l.out) + len(l.lines)
	l.mu.Unlock()
	if lost > 0 {
		l.p.logf("access log %s: %d bytes of it are lost", l.path, lost)
	}
	l.file.Close()
}

// write takes what was gathered and writes it behind what it could not before.
func (l *accessLog) write() {
	l.follow()
	err := l.flush()
	if len(l.out) == 0 {
		l.swap()
		err = l.flush()
	}
	if err != nil && !l.failing {
		l.p.logf("access log %s: %v; up to %d bytes wait", l.path, err, maxAccess)
	}
	l.failing = err != nil
	l.tellDropped()
}

// swap gives the lines an empty buffer for their own.
func (l *accessLog) swap() {
	l.mu.Lock()
	defer l.mu.Unlock()
	empty := l.out[:0]
	if cap(empty) > 2*muchAccess {
		empty = nil
	}
	l.out, l.lines = l.lines, empty
	l.held = len(l.out)
}

// flush writes out, as far as the disk takes it.
func (l *accessLog) flush() error {
	if len(l.out) == 0 {
		return nil
	}
	n, err := l.file.Write(l.out)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = l.out[:copy(l.out, l.out[n:])]
	l.held = len(l.out)
	return err
}

// follow makes the file again when it was renamed or removed. If that fails the
// old one goes on.
func (l *accessLog) follow() {
	now := time.Now()
	if now.Sub(l.looked) < accessPause {
		return
	}
	l.looked = now
	there, err := os.Stat(l.path)
	if err == nil {
		if own, err := l.file.Stat(); err == nil && os.SameFile(own, there) {
			return
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return
	}
	file, err := openAppend(l.path)
	if err != nil {
		l.p.logf("access log: %v", err)
		return
	}
	l.file.Close()
	l.file = file
}

// tellDropped says once a second how many lines are lost.
func (l *accessLog) tellDropped() {
	if time.Since(l.told) < accessPause {
		return
	}
	l.mu.Lock()
	n := l.dropped
	l.dropped = 0
	l.mu.Unlock()
	if n > 0 {
		l.told = time.Now()
		l.p.logf("access log %s: %s dropped", l.path, plural(int64(n), "line"))
	}
}

// endAccess ends the logs of all Workers.
func (p *Process) endAccess() {
	for _, w := range p.workers {
		if w.access != nil {
			w.access.end()
			w.access = nil
		}
	}
}

var _ protocol.AccessLogger = (*Connection)(nil)
