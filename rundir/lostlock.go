package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// LostLock returns the pid of a living master of this run directory whose lock
// file has lost its name: Held does not see it, and it serves all the same. It
// is 0 when there is none. The one that pidFile names is looked at first, then
// all processes with the title of a master. The proof is the file that it holds
// open; where the kernel does not show that, because of the rights of its
// binary, pidFile and title have to do. Called by the command line and by a
// master that starts.
func (d Dir) LostLock(pidFile, title string) int {
	lost := d.lostName()
	named, err := ReadPidFile(pidFile)
	if err == nil && MasterAlive(named) {
		holds, err := holds(named, lost)
		if holds || errors.Is(err, fs.ErrPermission) && titleOf(named) == title {
			return named
		}
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == named || !MasterAlive(pid) {
			continue
		}
		if holds, _ := holds(pid, lost); holds {
			return pid
		}
	}
	return 0
}

// lostName is what the kernel calls a lock file that was removed.
func (d Dir) lostName() string {
	dir, err := filepath.EvalSymlinks(d.Path)
	if err != nil {
		dir = d.Path
	}
	return filepath.Join(dir, filepath.Base(d.Lock)) + " (deleted)"
}

// holds tells whether a process has the file of this name open.
func holds(pid int, name string) (bool, error) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, entry := range entries {
		if to, err := os.Readlink(filepath.Join(dir, entry.Name())); err == nil && to == name {
			return true, nil
		}
	}
	return false, nil
}

// titleOf is the first argument of a process.
func titleOf(pid int) string {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	title, _, _ := strings.Cut(string(line), "\x00")
	return title
}
