package rundir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func entry(n int) HistoryEntry {
	return HistoryEntry{
		Time: time.Unix(int64(n), 0), What: "reload", By: []Asker{{UID: 1, PID: n}},
		Text: "generation is live", Duration: time.Second, MasterPID: 7,
	}
}

func mustAppend(t *testing.T, path string, entries ...HistoryEntry) {
	t.Helper()
	for _, e := range entries {
		if err := AppendHistory(path, e); err != nil {
			t.Fatal(err)
		}
	}
}

func mustRead(t *testing.T, path string, n, wantDamaged int) []HistoryEntry {
	t.Helper()
	entries, damaged, err := ReadHistory(path, n)
	if err != nil || damaged != wantDamaged {
		t.Fatalf("%d damaged lines, want %d: %v", damaged, wantDamaged, err)
	}
	return entries
}

func pidsOf(entries []HistoryEntry) string {
	var pids []int
	for _, e := range entries {
		pids = append(pids, e.By[0].PID)
	}
	return fmt.Sprint(pids)
}

func TestHistoryIsReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.history")
	if got := mustRead(t, path, 0, 0); got != nil {
		t.Errorf("a missing file has entries: %v", got)
	}
	mustAppend(t, path, entry(1), entry(2), entry(3))
	if got := pidsOf(mustRead(t, path, 2, 0)); got != "[2 3]" {
		t.Errorf("the newest two are %s", got)
	}
	if got := mustRead(t, path, 0, 0); len(got) != 3 || !got[0].Time.Equal(time.Unix(1, 0)) {
		t.Errorf("entries %+v", got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestHistoryEntryIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.history")
	e := entry(1)
	e.Text, e.Changed = strings.Repeat("x\x00\n", 100_000), strings.Repeat("é", 100_000)
	for range 200 {
		e.By = append(e.By, Asker{Signal: "SIGUSR1"})
	}
	mustAppend(t, path, e)
	got := mustRead(t, path, 0, 0)
	if len(got) != 1 || len(got[0].By) != maxAskers || got[0].Others != 201-maxAskers {
		t.Fatalf("%d entries: %+v", len(got), got)
	}
}

// The older half goes; what is left are whole lines, the newest among them.
func TestHistoryKeepsItsNewerHalf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.history")
	e := entry(0)
	e.Text = strings.Repeat("x", maxHistoryText)
	halved, last := false, int64(0)
	for n := 1; n < 600; n++ {
		e.By[0].PID = n
		mustAppend(t, path, e)
		info, err := os.Stat(path)
		if err != nil || info.Size() > maxHistoryBytes {
			t.Fatalf("size %d, %v", info.Size(), err)
		}
		if info.Size() < last {
			halved = true
			got := mustRead(t, path, 0, 0)
			if got[len(got)-1].By[0].PID != n || info.Size() < maxHistoryBytes/3 {
				t.Fatalf("after entry %d: %d bytes, the last is %v", n, info.Size(), got[len(got)-1].By)
			}
		}
		last = info.Size()
	}
	if !halved {
		t.Error("the file never lost its older half")
	}
	names, _ := os.ReadDir(filepath.Dir(path))
	if len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

// Whatever a crash, a full disk or an editor left there, the rest is read and
// the next entry is a line of its own.
func TestHistoryWithDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.history")
	mustAppend(t, path, entry(1))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(whole) + "no JSON\n\n{}\n[1]\n" + strings.Repeat("\x00", 100) + "\n" +
		strings.Repeat("y", 2*maxHistoryLine) + "\n" + string(whole[:20])
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, path, entry(2))
	if got := pidsOf(mustRead(t, path, 0, 6)); got != "[1 2]" {
		t.Errorf("entries %s", got)
	}
}

// Every way to tear a line leaves the others.
func TestHistoryTornAnywhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.history")
	mustAppend(t, path, entry(1), entry(2))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := strings.IndexByte(string(whole), '\n') + 1
	for size := first + 1; size < len(whole)-1; size++ {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, path, entry(3))
		if got := pidsOf(mustRead(t, path, 0, 1)); got != "[1 3]" {
			t.Fatalf("torn at %d: entries %s", size, got)
		}
	}
}

func TestHistoryRefusesWhatIsNotItsFile(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "wm.history"), filepath.Join(dir, "other")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func() error{
		"link":      func() error { return os.Symlink(other, path) },
		"fifo":      func() error { return unix.Mkfifo(path, 0o600) },
		"directory": func() error { return os.Mkdir(path, 0o700) },
	} {
		if err := make(); err != nil {
			t.Fatal(err)
		}
		if err := AppendHistory(path, entry(1)); err == nil {
			t.Errorf("%s: appended", name)
		}
		if _, _, err := ReadHistory(path, 0); err == nil {
			t.Errorf("%s: read", name)
		}
		os.Remove(path)
	}
	if text, _ := os.ReadFile(other); len(text) != 0 {
		t.Errorf("written through the link: %s", text)
	}
}

func TestHistoryOfAnotherUser(t *testing.T) {
	needRoot(t)
	path := filepath.Join(t.TempDir(), "wm.history")
	mustAppend(t, path, entry(1))
	if err := os.Chown(path, 65534, 0); err != nil {
		t.Fatal(err)
	}
	if err := AppendHistory(path, entry(2)); !errors.Is(err, ErrDenied) {
		t.Errorf("appended to a foreign file: %v", err)
	}
	if got := pidsOf(mustRead(t, path, 0, 0)); got != "[1]" { // root may look
		t.Errorf("entries %s", got)
	}
}

// A full disk costs the entry and a report, never a torn line.
func TestHistoryOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.history")
	mustAppend(t, path, entry(1))
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	h := OpenHistory(path, func(err error) { failed <- err })
	limitFiles(t, uint64(len(before))+10, func() {
		h.Add(entry(2))
		if err := <-failed; !errors.Is(err, unix.EFBIG) {
			t.Errorf("reported %v", err)
		}
	})
	h.Add(entry(3))
	h.Close()
	if got := pidsOf(mustRead(t, path, 0, 0)); got != "[1 3]" {
		t.Errorf("entries %s", got)
	}
}

// limitFiles bounds the size of files of this process while do runs.
func limitFiles(t *testing.T, size uint64, do func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_FSIZE, &old)
	do()
}

func TestHistoryWritesWhatIsQueuedWhenClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.history")
	h := OpenHistory(path, func(err error) { t.Error(err) })
	for n := range queuedHistory / 2 {
		h.Add(entry(n + 1))
	}
	h.Close()
	if got := len(mustRead(t, path, 0, 0)); got != queuedHistory/2 {
		t.Errorf("%d entries, want %d", got, queuedHistory/2)
	}
}
