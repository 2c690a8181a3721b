package rundir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// The pid file is a hint for people and monitors; who the master is, is told
// by the lock.

// WritePidFile puts pid into the file at path, which readers see either as it
// was or complete. Anything there that is no regular file is left alone.
// Called by the master.
func WritePidFile(path string, pid int) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return &fileError{"pid file", path, err}
	case info.Mode()&fs.ModeSymlink != 0:
		return &fileError{"pid file", path, unix.ELOOP}
	case !info.Mode().IsRegular(): // renaming over /dev/null would replace it
		return fmt.Errorf("pid file %s: not a regular file", path)
	}
	if err := replaceFile(path, []byte(strconv.Itoa(pid)+"\n")); err != nil {
		return &fileError{"pid file", path, err}
	}
	return nil
}

// replaceFile writes a new file of mode 0644 and gives it the name path.
func replaceFile(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Chmod(0o644)
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		os.Remove(file.Name())
	}
	return err
}

// ReadPidFile returns the pid in the file at path. A missing file is
// fs.ErrNotExist. Called by the command line and the master.
func ReadPidFile(path string) (int, error) {
	// O_NONBLOCK: a FIFO in this place must not hold up the command.
	file, err := os.OpenFile(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("pid file %s: %w", path, fs.ErrNotExist)
	}
	if err != nil {
		return 0, &fileError{"pid file", path, err}
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, 64))
	if err != nil {
		return 0, &fileError{"pid file", path, err}
	}
	pid, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 32)
	if err != nil || pid <= 0 {
		return 0, fmt.Errorf("pid file %s: no pid in it", path)
	}
	return int(pid), nil
}

// RemovePidFile removes the file at path if it still names pid: a master that
// was replaced must not take its successor's away.
func RemovePidFile(path string, pid int) error {
	got, err := ReadPidFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || got != pid {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &fileError{"pid file", path, err}
	}
	return nil
}

// PidExists tells whether any process has this pid. One that is dead and waits
// for its parent, as everything does in a container without an init, does not.
func PidExists(pid int) bool {
	if pid <= 0 || isZombie(pid) {
		return false
	}
	err := unix.Kill(pid, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}

func isZombie(pid int) bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	// The name before the state may contain anything but ends with the last ")".
	return bytes.HasPrefix(text[bytes.LastIndexByte(text, ')')+1:], []byte(" Z"))
}

// MasterAlive tells whether pid is another process than this one and has the
// title of a master, of whatever program. It is a guess by name for messages;
// Held is the proof.
func MasterAlive(pid int) bool {
	if pid == os.Getpid() || !PidExists(pid) {
		return false // in a container a new master often has the old one's pid
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		// A /proc mounted with hidepid shows no process of other users.
		return errors.Is(unix.Kill(pid, 0), unix.EPERM)
	}
	title, rest, _ := bytes.Cut(line, []byte{0})
	if bytes.Contains(append([]byte{0}, rest...), []byte("\x00--single\x00")) {
		return true // a service that is one process keeps the title it was typed with
	}
	program, _, found := bytes.Cut(title, []byte(masterMark))
	return found && len(program) > 0 && !bytes.ContainsAny(program, " /")
}

// StalePid returns the pid in the file at path, 0 if there is none, and
// whether it names no living master: then PidExists tells whether the process
// is gone or the pid is a foreign process's now.
func StalePid(path string) (pid int, stale bool) {
	pid, err := ReadPidFile(path)
	if err != nil {
		return 0, false
	}
	return pid, !MasterAlive(pid)
}
