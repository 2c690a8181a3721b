package rundir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
	"gopkg.in/natefinch/lumberjack.v2"
)

const (
	defaultLogMegabytes = 10
	defaultLogBackups   = 5
	logCloseTimeout     = 2 * time.Second

	maxQueuedLines   = 4096
	maxQueuedBytes   = 16 << 20
	maxTerminalBytes = 64 << 20 // of a terminal that somebody stopped
	maxLogTextBytes  = 64 << 10
)

// LogConfig says where log lines go.
type LogConfig struct {
	Path         string
	MaxMegabytes int       // size at which the file is rotated; 0: 10
	Backups      int       // rotated files that are kept; 0: 5
	Terminal     io.Writer // gets each line too; nil: none
}

// Log is wm.log. Nothing but close and flush ever waits for the disk or
// the terminal: each has a queue and a goroutine of its own, and what a full
// queue cannot take is counted. Safe for concurrent use.
type Log struct {
	path     string
	output   *logOutput
	file     *logQueue
	terminal *logQueue // nil without one
}

// OpenLog opens or makes the log file. It must be a regular file, which is
// rotated by size, or a device such as /dev/null.
func OpenLog(c LogConfig) (*Log, error) {
	output := &logOutput{config: c}
	if err := output.open(); err != nil {
		return nil, err
	}
	l := &Log{path: c.Path, output: output}
	l.file = newLogQueue(output.write, maxQueuedLines, maxQueuedBytes)
	l.file.reopen = output.reopen
	if c.Terminal != nil {
		put := func(line string) error {
			_, err := io.WriteString(c.Terminal, line)
			return err
		}
		l.terminal = newLogQueue(put, maxTerminalBytes, maxTerminalBytes)
	}
	return l, nil
}

// Write logs what the process pid has to say; one line or several.
func (l *Log) Write(pid int, text string) {
	line := l.Record(pid, text)
	if l.terminal != nil {
		l.terminal.add(line)
	}
}

// Record logs to the file alone, what the terminal is told by somebody else.
func (l *Log) Record(pid int, text string) string {
	line := logLine(time.Now(), pid, text)
	l.file.add(line)
	return line
}

// Path is where the lines go.
func (l *Log) Path() string { return l.path }

// Dropped counts the lines that the file could not take since it was opened.
func (l *Log) Dropped() uint64 { return l.file.dropped.Load() }

// Reopen makes the lines from here on go to a new file where the old one was
// renamed or removed by somebody. Where that is not possible the old one is
// kept and says why.
func (l *Log) Reopen() {
	l.file.order(func(b *logBatch) { b.reopen, b.reopenAt = true, len(b.lines) })
}

// Flush waits at most for timeout until all lines so far are written, and
// tells whether they are.
func (l *Log) Flush(timeout time.Duration) bool {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for _, q := range l.queues() {
		if !closedBefore(q.flush(), timer) {
			return false
		}
	}
	return true
}

// Close writes what is queued, for at most two seconds, and closes the file.
// What is logged later is dropped.
func (l *Log) Close() error {
	timer := time.NewTimer(logCloseTimeout)
	defer timer.Stop()
	for _, q := range l.queues() {
		q.close()
	}
	if !closedBefore(l.file.done, timer) {
		// Its goroutine is inside a write, which holds the file.
		return fmt.Errorf("log file %s: could not be written in time", l.path)
	}
	if l.terminal != nil {
		closedBefore(l.terminal.done, timer)
	}
	return l.output.close()
}

func (l *Log) queues() []*logQueue {
	if l.terminal == nil {
		return []*logQueue{l.file}
	}
	return []*logQueue{l.file, l.terminal}
}

func closedBefore(done <-chan struct{}, timer *time.Timer) bool {
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// logOutput is the file behind a Log. Owned by the queue's goroutine once
// that runs.
type logOutput struct {
	config LogConfig
	file   io.WriteCloser
	torn   bool // the last write ended inside a line
}

// open checks the path each time, because lumberjack itself would follow a link and
// make directories, and picks who writes the file.
func (o *logOutput) open() error {
	path := o.config.Path
	const flags = unix.O_WRONLY | unix.O_APPEND | unix.O_CREAT | unix.O_NOFOLLOW |
		unix.O_CLOEXEC | unix.O_NOCTTY | unix.O_NONBLOCK // a FIFO must not stop us here
	fd, err := unix.Open(path, flags, 0o644)
	if err != nil {
		return &fileError{"log file", path, err}
	}
	file := os.NewFile(uintptr(fd), path)
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() && info.Mode()&os.ModeCharDevice == 0 {
		err = errors.New("neither a regular file nor a device")
	}
	if err != nil {
		file.Close()
		return &fileError{"log file", path, err}
	}
	// In a directory of others a link could be put in place of the rotated
	// file, and there it is up to them to rotate.
	if !info.Mode().IsRegular() || checkDirectory(filepath.Dir(path)) != "" {
		o.file = file
		return nil
	}
	file.Close()
	if same, ok := o.file.(*lumberjack.Logger); ok {
		return same.Close() // the next line opens what has the name now
	}
	o.file = &lumberjack.Logger{
		Filename: path, LocalTime: true,
		MaxSize:    orDefault(o.config.MaxMegabytes, defaultLogMegabytes),
		MaxBackups: orDefault(o.config.Backups, defaultLogBackups),
	}
	return nil
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// reopen replaces the file by what now has its name.
func (o *logOutput) reopen() error {
	old := o.file
	if err := o.open(); err != nil {
		return err
	}
	o.torn = false
	if o.file == old {
		return nil // a second Logger would leave the first one's goroutine behind
	}
	return old.Close()
}

func (o *logOutput) write(line string) error {
	if o.torn {
		line = "\n" + line
	}
	n, err := io.WriteString(o.file, line)
	if n > 0 {
		o.torn = n < len(line)
	}
	return err
}

func (o *logOutput) close() error { return o.file.Close() }

// logLine formats text for wm.log. Lines after the first are indented, so
// that no text can look like a line of its own.
func logLine(now time.Time, pid int, text string) string {
	if cut := len(text) - maxLogTextBytes; cut > 0 {
		text = fmt.Sprintf("%s [%d bytes cut]", text[:maxLogTextBytes], cut)
	}
	text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	line := now.AppendFormat(make([]byte, 0, 64+len(text)), time.DateTime)
	line = append(line, " pid:"...)
	line = strconv.AppendInt(line, int64(pid), 10)
	for i, part := range strings.Split(text, "\n") {
		if i > 0 {
			line = append(line, "\n "...)
		}
		line = append(line, ' ')
		line = append(line, escape(part)...)
	}
	return string(append(line, '\n'))
}

// escape replaces what is not graphic, so that text from elsewhere cannot
// command the terminal on which somebody reads it.
func escape(text string) string {
	isHarmful := func(r rune) bool { return r != '\t' && !strconv.IsGraphic(r) }
	if utf8.ValidString(text) && strings.IndexFunc(text, isHarmful) < 0 {
		return text // nearly always
	}
	var out []byte
	for i, width := 0, 0; i < len(text); i += width {
		var r rune
		r, width = utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && width == 1, r < utf8.RuneSelf && isHarmful(r):
			out = fmt.Appendf(out, `\x%02x`, text[i])
		case !isHarmful(r):
			out = append(out, text[i:i+width]...)
		case r > 0xffff:
			out = fmt.Appendf(out, `\U%08x`, r)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return string(out)
}
