package rundir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

const logPatience = 10 * time.Second

func TestLogLine(t *testing.T) {
	now := time.Date(2025, 1, 31, 12, 0, 5, 0, time.Local)
	const head = "2025-01-31 12:00:05 pid:42 "
	tests := []struct{ name, text, want string }{
		{"plain", "worker chat/2 started", head + "worker chat/2 started\n"},
		{"empty", "", head + "\n"},
		{"newline at the end", "one\n\n", head + "one\n"},
		{"several lines", "panic: x\r\ngoroutine 1:\n\tmain.go", head +
			"panic: x\n  goroutine 1:\n  \tmain.go\n"},
		{"forged line", "x\n2025-01-31 12:00:05 pid:1 stopped", head +
			"x\n  2025-01-31 12:00:05 pid:1 stopped\n"},
		{"forged by carriage return", "x\r2025", head + `x\x0d2025` + "\n"},
		{"terminal command", "\x1b[2J\x1b]0;t\x07", head + `\x1b[2J\x1b]0;t\x07` + "\n"},
		{"eight-bit terminal command", "\u009b2J\x9b2J", head + `\u009b2J\x9b2J` + "\n"},
		{"order of writing", "a\u202eb\u2028c", head + `a\u202eb\u2028c` + "\n"},
		{"other languages", "早上好\u3000é 🙂", head + "早上好\u3000é 🙂\n"},
		{"beyond the first plane", "\U000e0041", head + `\U000e0041` + "\n"},
		{"no text", "a\x00\x7f\xff", head + `a\x00\x7f\xff` + "\n"},
		{"replacement character", "\ufffd", head + "\ufffd\n"},
		{"too long", strings.Repeat("x", maxLogTextBytes+3),
			head + strings.Repeat("x", maxLogTextBytes) + " [3 bytes cut]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := logLine(now, 42, tt.text); got != tt.want {
				t.Errorf("line %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzLogLineCannotBeForged(f *testing.F) {
	f.Add("x\n2025-01-31 12:00:05 pid:1 stopped")
	f.Add("\x1b[2J\r\n\xff\u202e")
	f.Fuzz(func(t *testing.T, text string) {
		line := logLine(time.Unix(0, 0), 42, text)
		rows := strings.Split(strings.TrimSuffix(line, "\n"), "\n")
		for _, row := range rows[1:] {
			if !strings.HasPrefix(row, "  ") {
				t.Errorf("row %q begins like a line", row)
			}
		}
		if i := strings.IndexFunc(line, func(r rune) bool {
			return r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0
		}); i >= 0 {
			t.Errorf("line %q has a control character at %d", line, i)
		}
	})
}

func TestLogAppendsToItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.log")
	for _, text := range []string{"one", "two"} {
		log := mustOpenLog(t, LogConfig{Path: path})
		log.Write(42, text)
		must(t, log.Close())
	}
	got := readFile(t, path)
	lines := strings.Split(got, "\n")
	if len(lines) != 3 || !strings.HasSuffix(lines[0], " pid:42 one") ||
		!strings.HasSuffix(lines[1], " pid:42 two") {
		t.Errorf("log has %q, want two lines", got)
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm()&^0o644 != 0 {
		t.Errorf("mode %v, want at most -rw-r--r--", info.Mode())
	}
}

func TestLogRefusesPath(t *testing.T) {
	dir := t.TempDir()
	link, fifo := dir+"/link", dir+"/fifo"
	must(t, os.Symlink(dir+"/target", link))
	must(t, unix.Mkfifo(fifo, 0o644))
	reader, err := os.OpenFile(fifo, os.O_RDONLY|unix.O_NONBLOCK, 0)
	must(t, err)
	defer reader.Close()
	tests := []struct {
		name, path, text string
		errno            unix.Errno
	}{
		{"missing directory", dir + "/no/wm.log", "no such directory", unix.ENOENT},
		{"link", link, "is a symbolic link", unix.ELOOP},
		{"directory", dir, "is a directory", unix.EISDIR},
		{"FIFO", fifo, "neither a regular file nor a device", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := OpenLog(LogConfig{Path: tt.path})
			checkFileError(t, err, "log file "+tt.path+": "+tt.text, tt.errno)
		})
	}
	if _, err := os.Lstat(dir + "/no"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory was made: %v", err)
	}
}

func TestLogToNull(t *testing.T) {
	log := mustOpenLog(t, LogConfig{Path: os.DevNull, MaxMegabytes: 1})
	text := strings.Repeat("x", maxLogTextBytes)
	for range 40 { // beyond MaxMegabytes: must not be rotated
		log.Write(1, text)
	}
	must(t, log.Close())
	info, err := os.Stat(os.DevNull)
	must(t, err)
	if info.Mode()&os.ModeCharDevice == 0 || log.Dropped() != 0 {
		t.Errorf("%s has mode %v, %d lines dropped", os.DevNull, info.Mode(), log.Dropped())
	}
}

func TestLogRotatesBySize(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "wm.log")
	log := mustOpenLog(t, LogConfig{Path: path, MaxMegabytes: 1, Backups: 2})
	text := strings.Repeat("x", maxLogTextBytes)
	for range 5 * 16 {
		log.Write(1, text)
	}
	log.Write(1, "last")
	must(t, log.Close())
	if got := readFile(t, path); !strings.HasSuffix(got, " pid:1 last\n") {
		t.Errorf("log ends with %q", got[max(0, len(got)-40):])
	}
	waitUntil(t, "old backups are removed", func() bool {
		names, err := filepath.Glob(dir + "/wm-*.log")
		return err == nil && len(names) <= 2
	})
	names, err := filepath.Glob(dir + "/wm*.log")
	must(t, err)
	if len(names) < 2 {
		t.Errorf("files %v, want a backup", names)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		must(t, err)
		if info.Size() > 1<<20 || info.Mode().Perm()&^0o644 != 0 {
			t.Errorf("%s has %d bytes and mode %v", name, info.Size(), info.Mode())
		}
	}
}

func TestLogIsNotRotatedInADirectoryOfOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shared")
	mkdir(t, dir, 0o777)
	path := filepath.Join(dir, "wm.log")
	log := mustOpenLog(t, LogConfig{Path: path, MaxMegabytes: 1})
	text := strings.Repeat("x", maxLogTextBytes)
	for range 20 {
		log.Write(1, text)
	}
	must(t, log.Close())
	names, err := os.ReadDir(dir)
	must(t, err)
	if info, err := os.Stat(path); err != nil || info.Size() < 20*maxLogTextBytes {
		t.Errorf("log %v (%v), want all lines in it", info, err)
	}
	if len(names) != 1 {
		t.Errorf("%d files, want 1", len(names))
	}
}

func TestLogReopens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.log")
	log := mustOpenLog(t, LogConfig{Path: path})
	log.Write(1, "before")
	flushLog(t, log)
	must(t, os.Rename(path, path+".1"))
	log.Write(1, "between")
	log.Reopen()
	log.Write(1, "after")
	must(t, log.Close())
	old, new := readFile(t, path+".1"), readFile(t, path)
	if !strings.Contains(old, "before") || !strings.Contains(old, "between") {
		t.Errorf("old file has %q, want the lines before the reopening", old)
	}
	if strings.Count(new, "\n") != 1 || !strings.Contains(new, "after") {
		t.Errorf("new file has %q, want the line after the reopening", new)
	}
}

func TestLogKeepsItsFileWhereReopeningFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.log")
	log := mustOpenLog(t, LogConfig{Path: path})
	log.Write(1, "before")
	flushLog(t, log)
	must(t, os.Rename(path, path+".1"))
	must(t, os.Symlink("/etc/hostname", path))
	log.Reopen()
	log.Write(1, "after")
	must(t, log.Close())
	got := readFile(t, path+".1")
	want := []string{"before", "log file " + path + ": is a symbolic link", "after"}
	for i, line := range strings.Split(strings.TrimSpace(got), "\n") {
		if i >= len(want) || !strings.HasSuffix(line, want[i]) {
			t.Errorf("line %d is %q, want %q", i, line, want)
		}
	}
}

func TestLogOnAFullDiskCountsAndGoesOn(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	log := mustOpenLog(t, LogConfig{Path: "/dev/full"})
	for range 3 {
		log.Write(1, "x")
	}
	must(t, log.Close())
	if got := log.Dropped(); got != 3 {
		t.Errorf("%d lines dropped, want 3", got)
	}
}

func TestLogTellsWhereLinesFailed(t *testing.T) {
	var out bytes.Buffer
	var full atomic.Bool // the queue's goroutine may look once more after a flush
	full.Store(true)
	q := newLogQueue(func(line string) error {
		if full.Load() {
			return unix.ENOSPC
		}
		out.WriteString(line)
		return nil
	}, maxQueuedLines, maxQueuedBytes)
	q.add("one\n")
	q.add("two\n")
	<-q.flush()
	full.Store(false)
	q.add("three\n")
	q.close()
	<-q.done
	if got := out.String(); !strings.HasSuffix(got, " 2 log lines dropped\nthree\n") {
		t.Errorf("log has %q, want the loss before the next line", got)
	}
}

func TestLogQueueDropsWhenFullAndTellsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		blocked := make(chan struct{})
		q := newLogQueue(func(line string) error {
			<-blocked
			out.WriteString(line)
			return nil
		}, maxQueuedLines, maxQueuedBytes)
		q.add("first\n")
		synctest.Wait() // the goroutine is inside write
		for i := range maxQueuedLines + 37 {
			q.add(fmt.Sprintf("line %d\n", i))
		}
		if got := q.dropped.Load(); got != 37 {
			t.Errorf("%d lines dropped, want 37", got)
		}
		close(blocked)
		<-q.flush()
		q.add("last\n")
		q.close()
		<-q.done
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != maxQueuedLines+3 {
			t.Fatalf("%d lines, want %d", len(lines), maxQueuedLines+3)
		}
		tail := lines[len(lines)-3:]
		if tail[0] != "line 4095" || !strings.HasSuffix(tail[1], " 37 log lines dropped") ||
			tail[2] != "last" {
			t.Errorf("log ends with %q", tail)
		}
	})
}

func TestLogQueueIsBoundedInBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(chan struct{})
		wait := func(string) error { <-blocked; return nil }
		q := newLogQueue(wait, 100, 10)
		q.add("first\n")
		synctest.Wait()
		q.add("12345678\n")
		q.add("12\n")
		q.add("\n") // would fit, but must not overtake what was lost
		if got := q.dropped.Load(); got != 2 {
			t.Errorf("%d lines dropped, want 2", got)
		}
		close(blocked)
		q.close()
		<-q.done
	})
}

func TestLogCloseGivesUpOnABlockedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(chan struct{})
		q := newLogQueue(func(string) error { <-blocked; return nil }, 10, 1000)
		log := &Log{path: "/x/wm.log", file: q}
		log.Write(1, "x")
		if log.Flush(time.Second) {
			t.Error("flush says that all is written")
		}
		began := time.Now()
		err := log.Close()
		if took := time.Since(began); took != logCloseTimeout {
			t.Errorf("Close took %v, want %v", took, logCloseTimeout)
		}
		checkFileError(t, err, "log file /x/wm.log: could not be written in time", 0)
		log.Write(1, "late") // must not panic or wait
		close(blocked)
		<-q.done
	})
}

func TestLogMendsATornLine(t *testing.T) {
	file := &tearingFile{}
	output := &logOutput{file: file}
	if err := output.write("2025 torn\n"); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("error %v, want ENOSPC", err)
	}
	must(t, output.write("2025 whole\n"))
	must(t, output.write("2025 more\n"))
	if want := "2025 \n2025 whole\n2025 more\n"; file.buf.String() != want {
		t.Errorf("file has %q, want %q", file.buf.String(), want)
	}
}

func TestTerminalGetsEachLineToo(t *testing.T) {
	var terminal lockedBuffer
	path := filepath.Join(t.TempDir(), "wm.log")
	log := mustOpenLog(t, LogConfig{Path: path, Terminal: &terminal})
	for i := range 2 * maxQueuedLines {
		log.Write(1, fmt.Sprint(i))
	}
	flushLog(t, log)
	if got := strings.Count(terminal.String(), "\n"); got != 2*maxQueuedLines {
		t.Errorf("terminal got %d lines, want %d", got, 2*maxQueuedLines)
	}
	must(t, log.Close())
	if file := readFile(t, path); log.Dropped() == 0 && file != terminal.String() {
		t.Error("file and terminal differ")
	}
}

func TestBlockedTerminalHoldsUpNeitherFileNorCaller(t *testing.T) {
	reader, writer := io.Pipe() // nobody reads
	path := filepath.Join(t.TempDir(), "wm.log")
	log := mustOpenLog(t, LogConfig{Path: path, Terminal: writer})
	log.Write(1, "one")
	log.Write(1, "two")
	waitUntil(t, "the file has both lines", func() bool {
		return strings.Count(readFile(t, path), "\n") == 2
	})
	reader.Close()
	must(t, log.Close())
}

func TestLogTakesLinesFromAllGoroutines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.log")
	log := mustOpenLog(t, LogConfig{Path: path})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				log.Write(1, "x")
				log.Reopen()
			}
		})
	}
	wg.Wait()
	must(t, log.Close())
	if got := strings.Count(readFile(t, path), " pid:1 x\n"); got != 800 {
		t.Errorf("%d lines, want 800", got)
	}
}

// tearingFile takes half of the first write, as a disk does that fills up.
type tearingFile struct {
	buf   bytes.Buffer
	tried bool
}

func (f *tearingFile) Write(p []byte) (int, error) {
	if f.tried {
		return f.buf.Write(p)
	}
	f.tried = true
	n, _ := f.buf.Write(p[:len(p)/2])
	return n, unix.ENOSPC
}

func (f *tearingFile) Close() error { return nil }

// lockedBuffer is a terminal that tests look at.
type lockedBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func mustOpenLog(t *testing.T, c LogConfig) *Log {
	t.Helper()
	log, err := OpenLog(c)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func flushLog(t *testing.T, log *Log) {
	t.Helper()
	if !log.Flush(logPatience) {
		t.Fatal("log was not written in time")
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	return string(content)
}

// waitUntil looks again and again until holds is true.
func waitUntil(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(logPatience)
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("not within %v: %s", logPatience, what)
		}
	}
}
