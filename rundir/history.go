package rundir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of wm.history.
const (
	maxHistoryBytes   = 1 << 20  // then the older half goes
	maxHistoryLine    = 64 << 10 // longer than an entry with its texts can be
	maxHistoryText    = 4 << 10
	maxAskers         = 16 // of one entry; the others are counted
	queuedHistory     = 64 // entries that a slow disk may keep waiting
	historyCloseLimit = time.Second
	historyMode       = 0o600
)

// HistoryEntry is one line of wm.history: a start, reload, upgrade or stop of
// the service, written when it has ended.
type HistoryEntry struct {
	Time time.Time `json:"time"` // when it began
	// What is start, reload, upgrade, stop, or end for a service that ended by
	// a failure of its own.
	What   string  `json:"what"`
	By     []Asker `json:"by,omitempty"`     // in the order in which they asked
	Others int     `json:"others,omitempty"` // askers beyond the 16 that are listed
	// Changed says in words what is different now.
	Changed    string        `json:"changed,omitempty"`
	Generation int           `json:"generation,omitempty"` // that is live now
	Code       int           `json:"code"`                 // exit status of the commands that asked
	Text       string        `json:"text,omitempty"`       // result in words, at most 4 KiB
	Duration   time.Duration `json:"duration_ns"`
	MasterPID  int           `json:"master_pid"`
}

// Asker is who asked for something: a command, or a signal, of which nobody
// knows who sent it.
type Asker struct {
	Signal string `json:"signal,omitempty"` // SIGUSR1; the rest means nothing then
	UID    int    `json:"uid"`              // -1 when unknown
	PID    int    `json:"pid,omitempty"`
}

// String is the asker in words.
func (a Asker) String() string {
	if a.Signal != "" {
		return a.Signal
	}
	return fmt.Sprintf("uid %d, pid %d", a.UID, a.PID)
}

// History appends to wm.history. Add never waits for the disk. Only the holder
// of the run directory's lock may have one. Safe for concurrent use.
type History struct {
	entries chan HistoryEntry
	done    chan struct{}
	failed  func(error)
}

// OpenHistory begins to write to the file at path, which is made by the first
// entry. An entry that cannot be written is lost and reported to failed, which
// is called on a goroutine of the History. Called by the master.
func OpenHistory(path string, failed func(error)) *History {
	h := &History{
		entries: make(chan HistoryEntry, queuedHistory), done: make(chan struct{}), failed: failed,
	}
	go h.write(path) // ends by Close
	return h
}

// Add appends an entry soon.
func (h *History) Add(e HistoryEntry) {
	select {
	case h.entries <- e:
	default:
		h.failed(errors.New("history: the disk is too slow, an entry is lost"))
	}
}

// Close writes what is queued, for at most a second. Nothing may be added
// after it.
func (h *History) Close() {
	close(h.entries)
	timer := time.NewTimer(historyCloseLimit)
	defer timer.Stop()
	closedBefore(h.done, timer)
}

func (h *History) write(path string) {
	defer close(h.done)
	for e := range h.entries {
		if err := AppendHistory(path, e); err != nil {
			h.failed(err)
		}
	}
}

// AppendHistory adds one entry to the file at path. A line that a crash or a
// full disk tore is left behind as it is; this one begins on a line of its own.
func AppendHistory(path string, e HistoryEntry) error {
	line, err := historyLine(e)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	file, err := openHistory(path, unix.O_RDWR|unix.O_APPEND|unix.O_CREAT)
	if err != nil {
		return &fileError{"history", path, err}
	}
	err = errors.Join(appendLine(file, path, line), file.Close())
	if err != nil {
		return &fileError{"history", path, err}
	}
	return nil
}

// historyLine is e with its lists and texts bounded.
func historyLine(e HistoryEntry) ([]byte, error) {
	if more := len(e.By) - maxAskers; more > 0 {
		e.By, e.Others = e.By[:maxAskers], e.Others+more
	}
	e.Text, e.Changed = bounded(e.Text), bounded(e.Changed)
	line, err := json.Marshal(e)
	return append(line, '\n'), err
}

func bounded(text string) string {
	if cut := len(text) - maxHistoryText; cut > 0 {
		return fmt.Sprintf("%s [%d bytes cut]", text[:maxHistoryText], cut)
	}
	return text
}

// openHistory opens a regular file of this user or of root, and no other. A
// reader who is root may look at everybody's.
func openHistory(path string, flags int) (*os.File, error) {
	flags |= unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NOCTTY | unix.O_NONBLOCK
	fd, err := unix.Open(path, flags, historyMode)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), path)
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err == nil {
		owner, me := int(info.Sys().(*syscall.Stat_t).Uid), os.Geteuid()
		writes := flags&unix.O_RDWR != 0
		if owner != me && owner != 0 && (writes || me != 0) {
			err = fmt.Errorf("belongs to uid %d: %w", owner, ErrDenied)
		}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// appendLine writes the whole line or nothing of it.
func appendLine(file *os.File, path string, line []byte) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	if size+int64(len(line)) > maxHistoryBytes {
		return keepNewerHalf(file, path, size, line)
	}
	last := []byte{'\n'}
	if size > 0 {
		if _, err := file.ReadAt(last, size-1); err != nil {
			return err
		}
	}
	if last[0] != '\n' {
		line = append([]byte{'\n'}, line...)
	}
	if _, err := file.Write(line); err != nil {
		file.Truncate(size)
		return err
	}
	return nil
}

// keepNewerHalf replaces the file by one that has its newer lines, up to half
// of the bound, and line. Readers see the one or the other.
func keepNewerHalf(file *os.File, path string, size int64, line []byte) error {
	from := max(0, size-maxHistoryBytes/2)
	kept, err := io.ReadAll(io.NewSectionReader(file, from, size-from))
	if err != nil {
		return err
	}
	if from > 0 {
		_, kept, _ = bytes.Cut(kept, []byte{'\n'})
	}
	if len(kept) > 0 && kept[len(kept)-1] != '\n' {
		kept = append(kept, '\n')
	}
	next := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".next")
	os.Remove(next) // of a master that was killed here
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL | unix.O_NOFOLLOW
	to, err := os.OpenFile(next, flags, historyMode)
	if err != nil {
		return err
	}
	_, err = to.Write(append(kept, line...))
	err = errors.Join(err, to.Close())
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		os.Remove(next)
	}
	return err
}

// ReadHistory returns the newest n entries of the file at path, all of them
// with n 0, oldest first, and how many lines of it could not be understood. A
// missing file has no entries. Called by the command line.
func ReadHistory(path string, n int) (entries []HistoryEntry, damaged int, err error) {
	file, err := openHistory(path, unix.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, &fileError{"history", path, err}
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, 2*maxHistoryBytes))
	if err != nil {
		return nil, 0, &fileError{"history", path, err}
	}
	for line := range bytes.Lines(text) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var e HistoryEntry
		if len(line) > maxHistoryLine || json.Unmarshal(line, &e) != nil || e.What == "" {
			damaged++
			continue
		}
		entries = append(entries, e)
	}
	if n > 0 && len(entries) > n {
		entries = entries[len(entries)-n:]
	}
	return entries, damaged, nil
}
