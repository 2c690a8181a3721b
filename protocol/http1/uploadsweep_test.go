package http1

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestWhatAKilledProcessHasLeftIsDeleted(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	old := now.Add(-staleUpload - time.Minute)
	write := func(name string, at time.Time) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("left"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for range 300 {
		file, err := os.CreateTemp(dir, tmpPattern)
		if err != nil {
			t.Fatal(err)
		}
		file.Close()
		write(filepath.Base(file.Name()), old)
	}
	write(tmpPrefix+"fresh", now.Add(-staleUpload+time.Minute))
	other := write("other", old)
	if err := os.Symlink(other, filepath.Join(dir, tmpPrefix+"link")); err != nil {
		t.Fatal(err)
	}
	removeStale(dir, now.Add(-staleUpload))
	want := []string{"other", tmpPrefix + "fresh", tmpPrefix + "link"}
	if got := files(t, dir); !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
}

// The first upload of a process looks for such files, and then one an hour.
func TestUploadsLookForOthersOnceAnHour(t *testing.T) {
	defer swept.Store(swept.Load())
	uploadsTo(t)
	swept.Store(0)
	c, _ := upload(t)
	defer answerAll(t, c)
	now := time.Now()
	if sweepDue(now) {
		t.Error("the upload has not looked")
	}
	if !sweepDue(now.Add(sweepEvery)) || sweepDue(now.Add(sweepEvery)) {
		t.Error("an hour later it was not due once")
	}
}
