package http1

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const someID = "abcdefghijklmnop"

func newFiles(t testing.TB) (*FileSessions, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "sessions")
	return NewFileSessions(dir), dir
}

func mustWrite(t testing.TB, h SessionHandler, id, data string, lifetime time.Duration) {
	t.Helper()
	if err := h.Write(t.Context(), id, []byte(data), lifetime); err != nil {
		t.Fatal(err)
	}
}

func wantStored(t testing.TB, h SessionHandler, id, want string) {
	t.Helper()
	if got, err := h.Read(t.Context(), id); err != nil || string(got) != want {
		t.Errorf("stored under %.40s: %q, %v, want %q", id, got, err, want)
	}
}

func wantNames(t testing.TB, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

// A file of 3 GB, which takes no room on the disk, cost 4.6 GB of memory.
func TestFileSessionsAboveMaxSize(t *testing.T) {
	f, dir := newFiles(t)
	largest := strings.Repeat("x", Sessions.MaxSize)
	mustWrite(t, f, someID, largest, time.Hour)
	wantStored(t, f, someID, largest)
	err := f.Write(t.Context(), someID, []byte(largest+"x"), time.Hour)
	if err == nil || !strings.Contains(err.Error(), "1048577 bytes are above Sessions.MaxSize") {
		t.Errorf("Write: %v", err)
	}
	path := filepath.Join(dir, sessionFileName(someID))
	if err := os.Truncate(path, 3<<30); err != nil {
		t.Fatal(err)
	}
	inAnHour := time.Now().Add(time.Hour)
	if err := os.Chtimes(path, inAnHour, inAnHour); err != nil {
		t.Fatal(err)
	}
	data, err := f.Read(t.Context(), someID)
	if data != nil || err == nil || !strings.Contains(err.Error(), path) ||
		!strings.Contains(err.Error(), "3221225472 bytes are above Sessions.MaxSize") {
		t.Errorf("Read: %d bytes, %v", len(data), err)
	}
	if err := f.Destroy(t.Context(), someID); err != nil {
		t.Error(err)
	}
	wantStored(t, f, someID, "")
}

func TestFileSessionsKeepWhatIsWritten(t *testing.T) {
	f, dir := newFiles(t)
	long := strings.Repeat("a", maxSessionID)
	for _, id := range []string{someID, "ABC,def-0123456789", long} {
		wantStored(t, f, id, "")
		mustWrite(t, f, id, "one", time.Hour)
		mustWrite(t, f, id, "two of "+id, time.Hour)
		wantStored(t, f, id, "two of "+id)
		if err := f.Destroy(t.Context(), id); err != nil {
			t.Error(err)
		}
		if err := f.Destroy(t.Context(), id); err != nil {
			t.Errorf("the second time: %v", err)
		}
		wantStored(t, f, id, "")
	}
	wantNames(t, dir)
	mustWrite(t, f, someID, "x", time.Hour)
	wantNames(t, dir, "session_"+someID)
	for path, want := range map[string]os.FileMode{
		dir: os.ModeDir | 0o700, filepath.Join(dir, "session_"+someID): 0o600,
	} {
		if info, err := os.Lstat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

func TestFileSessionsExpire(t *testing.T) {
	f, dir := newFiles(t)
	ctx := t.Context()
	if err := f.Touch(ctx, someID, time.Hour); err != nil {
		t.Errorf("touch what is not there: %v", err)
	}
	mustWrite(t, f, someID, "x", -time.Second)
	wantStored(t, f, someID, "")
	if err := f.Touch(ctx, someID, time.Hour); err != nil {
		t.Error(err)
	}
	wantStored(t, f, someID, "x")

	const dead, used = "dead-dead-dead-dead", "used-used-used-used"
	mustWrite(t, f, dead, "x", -time.Second)
	mustWrite(t, f, used, "x", -time.Second)
	old := filepath.Join(dir, sessionTemp+"old")
	for name, age := range map[string]time.Duration{old: 2 * staleTemp,
		filepath.Join(dir, sessionTemp+"new"): 0, filepath.Join(dir, "other"): 9 * staleTemp} {
		when := time.Now().Add(-age)
		if err := errors.Join(os.WriteFile(name, nil, 0o600),
			os.Chtimes(name, when, when)); err != nil {
			t.Fatal(err)
		}
	}
	unlock, err := f.Lock(ctx, used)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if err := f.GC(ctx); err != nil {
		t.Fatal(err)
	}
	wantNames(t, dir, "lock", "other", "session_"+someID, "session_"+used, sessionTemp+"new")
}

// Nobody but the user of the process may have a say in the folder or in a file.
func TestFileSessionsRefuseWhatIsNotTheirs(t *testing.T) {
	const file = "session_" + someID
	asRoot := func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("needs root, to give a file to another user")
		}
	}
	chown := func(t *testing.T, path string) error {
		asRoot(t)
		return os.Lchown(path, 12345, 12345)
	}
	tests := []struct {
		name  string
		spoil func(t *testing.T, dir string) error
		want  string
	}{
		{"file of another user", func(t *testing.T, dir string) error {
			return chown(t, filepath.Join(dir, file))
		}, "belongs to user 12345 and not to"},
		{"file others may write", func(t *testing.T, dir string) error {
			return os.Chmod(filepath.Join(dir, file), 0o666)
		}, "others may write to it (mode 666)"},
		{"symbolic link", func(t *testing.T, dir string) error {
			return errors.Join(os.Rename(filepath.Join(dir, file), filepath.Join(dir, "x")),
				os.Symlink("x", filepath.Join(dir, file)))
		}, "too many levels of symbolic links"},
		{"folder in place of the file", func(t *testing.T, dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, file)),
				os.Mkdir(filepath.Join(dir, file), 0o700))
		}, "it is something else"},
		{"folder of another user", chown, "session folder"},
		{"folder others may write", func(t *testing.T, dir string) error {
			return os.Chmod(dir, 0o770)
		}, "is refused: others may write to it (mode 770)"},
		{"link in place of the folder", func(t *testing.T, dir string) error {
			return errors.Join(os.Rename(dir, dir+".x"), os.Symlink(dir+".x", dir))
		}, "session folder"},
		{"folder above it missing", func(t *testing.T, dir string) error {
			return os.RemoveAll(filepath.Dir(dir))
		}, "no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := NewFileSessions(filepath.Join(t.TempDir(), "a", "sessions"))
			if err := os.Mkdir(filepath.Dir(f.dir), 0o700); err != nil {
				t.Fatal(err)
			}
			mustWrite(t, f, someID, "secret", time.Hour)
			if err := tt.spoil(t, f.dir); err != nil {
				t.Fatal(err)
			}
			data, err := f.Read(t.Context(), someID)
			if err == nil || !strings.Contains(err.Error(), tt.want) || data != nil {
				t.Errorf("Read: %q, %v, want an error with %q", data, err, tt.want)
			}
			err = f.Write(t.Context(), someID, []byte("mine"), time.Hour)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Write: %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestFileSessionsRefuseNamesThatAreNoID(t *testing.T) {
	f, _ := newFiles(t)
	ctx := t.Context()
	for _, id := range []string{"", "short", "../../../../etc/passwd", strings.Repeat("a", 257),
		"with space in the id", "nul\x00nul\x00nul\x00nul\x00nul"} {
		_, read := f.Read(ctx, id)
		_, lock := f.Lock(ctx, id)
		for _, err := range []error{read, lock, f.Write(ctx, id, nil, time.Hour),
			f.Destroy(ctx, id), f.Touch(ctx, id, time.Hour)} {
			if err == nil || !strings.Contains(err.Error(), "breaks the pattern") {
				t.Errorf("%q: %v, want an error", id, err)
			}
		}
	}
}

func TestFileSessionsLock(t *testing.T) {
	f, dir := newFiles(t)
	unlock, err := f.Lock(t.Context(), someID)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewFileSessions(dir).Lock(t.Context(), "another-another-another")
	if err != nil {
		t.Fatal(err)
	}
	defer other()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	_, err = NewFileSessions(dir).Lock(ctx, someID)
	if err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("locked twice: %v", err)
	}
	unlock()
	again, err := f.Lock(t.Context(), someID)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

// One at a time, whatever happens to the lock file meanwhile.
func TestFileSessionsLockExcludes(t *testing.T) {
	f, dir := newFiles(t)
	mustWrite(t, f, someID, "", time.Hour)
	var wg sync.WaitGroup
	inside := make(chan struct{}, 1)
	for range 8 {
		wg.Go(func() {
			for range 50 {
				unlock, err := f.Lock(context.Background(), someID)
				if err != nil {
					t.Error(err)
					return
				}
				select {
				case inside <- struct{}{}:
				default:
					t.Error("two have the lock")
				}
				data, err := f.Read(context.Background(), someID)
				if err == nil {
					err = f.Write(context.Background(), someID, append(data, '.'), time.Hour)
				}
				if err != nil {
					t.Error(err)
				}
				<-inside
				unlock()
			}
		})
	}
	wg.Go(func() {
		for range 50 {
			_ = f.GC(context.Background())
		}
	})
	wg.Wait()
	if got, _ := f.Read(t.Context(), someID); !bytes.Equal(got, bytes.Repeat([]byte("."), 400)) {
		t.Errorf("%d of 400 additions are left", len(got))
	}
	wantNames(t, dir, "lock", "session_"+someID)
}

// A cleaner of temporary files may take the lock file or the folder.
func TestFileSessionsOutliveACleaner(t *testing.T) {
	f, dir := newFiles(t)
	for _, clean := range []func() error{
		func() error { return os.Remove(filepath.Join(dir, "lock")) },
		func() error { return os.RemoveAll(dir) },
	} {
		unlock, err := f.Lock(t.Context(), someID)
		if err != nil {
			t.Fatal(err)
		}
		unlock()
		if err := clean(); err != nil {
			t.Fatal(err)
		}
		if unlock, err = f.Lock(t.Context(), someID); err != nil {
			t.Fatal(err)
		}
		mustWrite(t, f, someID, "x", time.Hour)
		wantStored(t, f, someID, "x")
		unlock()
	}
}
