package rundir

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestStdoutAppends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	for _, text := range []string{"one\n", "two\n"} {
		file, err := OpenStdout(path)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(file, text)
		must(t, file.Close())
	}
	got, err := os.ReadFile(path)
	must(t, err)
	if string(got) != "one\ntwo\n" {
		t.Errorf("file has %q, want both lines", got)
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm()&^0o644 != 0 {
		t.Errorf("mode %v, want at most -rw-r--r--", info.Mode())
	}
}

func TestStdoutIsNullByDefault(t *testing.T) {
	file, err := OpenStdout("")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if file.Name() != os.DevNull {
		t.Errorf("opened %s, want %s", file.Name(), os.DevNull)
	}
}

func TestStdoutDescriptorFlags(t *testing.T) {
	file, err := OpenStdout(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	raw, err := file.SyscallConn()
	must(t, err)
	raw.Control(func(fd uintptr) {
		own, err := unix.FcntlInt(fd, unix.F_GETFD, 0)
		if err != nil || own&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor flags %#x (%v), want close-on-exec", own, err)
		}
		shared, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
		if err != nil || shared&(unix.O_APPEND|unix.O_NONBLOCK) != unix.O_APPEND {
			t.Errorf("status flags %#x (%v), want append and blocking", shared, err)
		}
	})
}

func TestStdoutRefusesPath(t *testing.T) {
	dir := t.TempDir()
	link, fifo := dir+"/link", dir+"/fifo"
	must(t, os.Symlink(dir+"/target", link))
	must(t, unix.Mkfifo(fifo, 0o644))
	tests := []struct {
		name, path, text string
		errno            unix.Errno
	}{
		{"missing directory", dir + "/no/out", "no such directory", unix.ENOENT},
		{"link", link, "is a symbolic link", unix.ELOOP},
		{"directory", dir, "is a directory", unix.EISDIR},
		{"FIFO that nobody reads", fifo, "no such device or address", unix.ENXIO},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := OpenStdout(tt.path)
			checkFileError(t, err, "stdout file "+tt.path+": "+tt.text, tt.errno)
		})
	}
}
