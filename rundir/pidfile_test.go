package rundir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPidFileIsReadBack(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "wm.pid")
	for _, pid := range []int{4711, 12} { // the second replaces the first
		must(t, WritePidFile(path, pid))
		got, err := ReadPidFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != pid {
			t.Errorf("pid %d, want %d", got, pid)
		}
	}
	info, err := os.Stat(path)
	must(t, err)
	if got := info.Mode(); got != 0o644 {
		t.Errorf("mode %v, want -rw-r--r--", got)
	}
	names, err := os.ReadDir(dir)
	must(t, err)
	if len(names) != 1 {
		t.Errorf("%d files in the directory, want only the pid file", len(names))
	}
}

func TestWritePidFileRefusesPath(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	must(t, os.Symlink("/dev/null", link))
	tests := []struct {
		name, path, text string
		errno            unix.Errno
	}{
		{"missing directory", dir + "/no/wm.pid", "no such directory", unix.ENOENT},
		{"link", link, "is a symbolic link", unix.ELOOP},
		{"directory", dir, "not a regular file", 0},
		{"device", os.DevNull, "not a regular file", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := WritePidFile(tt.path, 1)
			checkFileError(t, err, "pid file "+tt.path+": "+tt.text, tt.errno)
		})
	}
}

func TestWritePidFileIntoForeignDirectory(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "wm.pid")
	var err error
	asStranger(func() { err = WritePidFile(path, 1) })
	checkFileError(t, err, "pid file "+path+": permission denied", unix.EACCES)
}

func TestReadPidFile(t *testing.T) {
	tests := []struct {
		name, content string
		want          int
	}{
		{"plain", "4711", 4711},
		{"with blanks around", " 4711\r\n\n", 4711},
		{"empty", "", 0},
		{"words", "gone\n", 0},
		{"zero would signal the group", "0", 0},
		{"negative would signal a group", "-1", 0},
		{"two", "47 11", 0},
		{"beyond any pid", "99999999999", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "wm.pid")
			must(t, os.WriteFile(path, []byte(tt.content), 0o644))
			got, err := ReadPidFile(path)
			if got != tt.want {
				t.Errorf("pid %d, want %d", got, tt.want)
			}
			if want := "pid file " + path + ": no pid in it"; tt.want == 0 &&
				(err == nil || err.Error() != want) {
				t.Errorf("error %v, want %s", err, want)
			}
		})
	}
}

func TestReadPidFileOfOddFiles(t *testing.T) {
	dir := t.TempDir()
	missing, link, fifo := dir+"/missing", dir+"/link", dir+"/fifo"
	must(t, os.Symlink("/etc/hostname", link))
	must(t, unix.Mkfifo(fifo, 0o644))
	if _, err := ReadPidFile(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v, want ErrNotExist", err)
	}
	_, err := ReadPidFile(link)
	checkFileError(t, err, "pid file "+link+": is a symbolic link", unix.ELOOP)
	_, err = ReadPidFile(fifo) // must return at all
	checkFileError(t, err, "pid file "+fifo+": no pid in it", 0)
}

func TestRemovePidFileLeavesASuccessorsAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.pid")
	must(t, RemovePidFile(path, 1)) // nothing there: nothing to do
	must(t, WritePidFile(path, 4711))
	must(t, RemovePidFile(path, 1))
	if got, _ := ReadPidFile(path); got != 4711 {
		t.Errorf("pid %d, want 4711 still there", got)
	}
	must(t, RemovePidFile(path, 4711))
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("pid file is still there: %v", err)
	}
}

func TestMasterAliveGoesByTitle(t *testing.T) {
	tests := []struct {
		name, title string
		want        bool
	}{
		{"master", MasterTitle("wm", "/opt/wm/bin/wm"), true},
		{"master of another program", MasterTitle("shop", "/opt/shop"), true},
		{"worker process", WorkerTitle("wm", "chat", "none"), false},
		{"foreign process", "sleep", false},
		{"somebody who looks for masters", "/bin/grep wm" + masterMark, false},
		{"nameless", masterMark + "/opt/wm", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pid := startTitled(t, tt.title)
			if got := MasterAlive(pid); got != tt.want {
				t.Errorf("alive %v, want %v", got, tt.want)
			}
			path := filepath.Join(t.TempDir(), "wm.pid")
			must(t, WritePidFile(path, pid))
			got, stale := StalePid(path)
			if got != pid || stale == tt.want {
				t.Errorf("stale pid %d %v, want %d %v", got, stale, pid, !tt.want)
			}
			if !PidExists(pid) {
				t.Error("process does not exist")
			}
		})
	}
}

func TestMasterIsNotAlive(t *testing.T) {
	tests := []struct {
		name string
		pid  int
	}{
		{"own pid", os.Getpid()},
		{"none", 0},
		{"group", -1},
		{"beyond pid_max", 1 << 30},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if MasterAlive(tt.pid) {
				t.Errorf("pid %d is alive", tt.pid)
			}
		})
	}
}

func TestStalePidWithoutFile(t *testing.T) {
	pid, stale := StalePid(filepath.Join(t.TempDir(), "wm.pid"))
	if pid != 0 || stale {
		t.Errorf("stale pid %d %v, want 0 false", pid, stale)
	}
}

// startTitled starts a process with that title, which ends with t.
func startTitled(t *testing.T, title string) int {
	t.Helper()
	theirIn, in, err := os.Pipe()
	must(t, err)
	out, theirOut, err := os.Pipe()
	must(t, err)
	process, err := os.StartProcess("/bin/cat", []string{title, "-"},
		&os.ProcAttr{Files: []*os.File{theirIn, theirOut, nil}})
	must(t, err)
	theirIn.Close()
	theirOut.Close()
	t.Cleanup(func() {
		in.Close()
		process.Kill()
		process.Wait()
		out.Close()
	})
	// The kernel sets the title a moment after StartProcess has seen the exec.
	in.WriteString("up")
	if _, err := out.Read(make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	return process.Pid
}
