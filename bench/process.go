package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// userHertz is the unit of times in /proc, the same on all architectures that
// Go knows.
const userHertz = 100

// cpuTime is what a process has used. The kernel knows the sum to the
// nanosecond; it divides it by what runs at each tick of its clock, so user
// and system time are a sample.
type cpuTime struct{ user, system time.Duration }

func (t cpuTime) since(before cpuTime) cpuTime {
	return cpuTime{t.user - before.user, t.system - before.system}
}

func (t cpuTime) plus(o cpuTime) cpuTime {
	return cpuTime{t.user + o.user, t.system + o.system}
}

func (t cpuTime) both() time.Duration { return t.user + t.system }

// cpuOf reads fields 14 and 15 of /proc/PID/stat, which count all threads.
func cpuOf(pid int) (t cpuTime, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return t, err
	}
	_, rest, _ := bytes.Cut(text, []byte(") ")) // behind the name, from field 3 on
	fields := bytes.Fields(rest)
	if len(fields) < 13 {
		return t, fmt.Errorf("stat of process %d is %q", pid, text)
	}
	for i, to := range []*time.Duration{&t.user, &t.system} {
		ticks, err := strconv.Atoi(string(fields[11+i]))
		if err != nil {
			return t, fmt.Errorf("stat of process %d: %w", pid, err)
		}
		*to = time.Duration(ticks) * time.Second / userHertz
	}
	return t, nil
}

// privateBytes is RssAnon: what a process uses without files, so without its
// binary.
func privateBytes(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(text, []byte("\nRssAnon:"))
	var kilobytes int64
	if _, err := fmt.Sscanf(string(rest), "%d kB", &kilobytes); err != nil {
		return 0, fmt.Errorf("RssAnon of process %d: %w", pid, err)
	}
	return kilobytes << 10, nil
}

// descriptorLimit is how many descriptors this process may have, and those it
// starts.
func descriptorLimit() (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	return int(min(limit.Cur, 1<<30)), nil
}

// cores are processors this program may use: the first one, for the server, and
// the last one, for the clients; the same when there is only one.
func cores() (first, last int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return 0, 0, err
	}
	first = -1
	for i := range len(set) * 64 {
		if !set.IsSet(i) {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
	}
	return first, last, nil
}

// pin gives all threads of a process one core.
func pin(pid, core int) error {
	var set unix.CPUSet
	set.Set(core)
	return eachThread(pid, func(tid int) error { return unix.SchedSetaffinity(tid, &set) })
}

// eachThread changes all threads of a process. Those that begin later inherit
// it; one that begins meanwhile is found by looking again.
func eachThread(pid int, change func(tid int) error) error {
	changed := make(map[string]bool)
	for found := true; found; {
		found = false
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
		if err != nil || len(threads) == 0 {
			return fmt.Errorf("threads of process %d: %d found", pid, len(threads))
		}
		for _, thread := range threads {
			tid, err := strconv.Atoi(filepath.Base(thread))
			if err != nil || changed[thread] {
				continue
			}
			if err := change(tid); err != nil && err != unix.ESRCH {
				return fmt.Errorf("thread %d of process %d: %w", tid, pid, err)
			}
			changed[thread], found = true, true
		}
	}
	return nil
}
