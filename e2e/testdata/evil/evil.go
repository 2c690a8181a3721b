// This file is added to package supervisor by the builds that break an upgrade
// where a test wants it, see upgrade_build_test.go.

package supervisor

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// E2E_EVIL is a file with one line, "STEP ACTION [ARGUMENT]". It is removed
// when the step comes, so that what follows goes well. E2E_EVIL_STEPS is a file
// that gets a line for each step.
func init() {
	upgradeStep = evilStep
	handover := os.Getenv("_WM_HANDOVER")
	switch {
	case strings.Contains(handover, `"role":"rehearsal"`):
		evilStep("init-rehearsal")
	case strings.Contains(handover, `"adopt"`):
		evilStep("init-adopt")
	}
}

func evilStep(name string) {
	noteStep(name)
	path := os.Getenv("E2E_EVIL")
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	step, rest, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	if step != name {
		return
	}
	if err := os.Remove(path); err != nil {
		return // another process has come first
	}
	action, argument, _ := strings.Cut(rest, " ")
	do := evilActions[action]
	if do == nil {
		panic("no such evil: " + action)
	}
	do(argument)
}

func noteStep(name string) {
	path := os.Getenv("E2E_EVIL_STEPS")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return
	}
	defer f.Close()
	fmt.Fprintln(f, os.Getpid(), name)
}

var evilActions = map[string]func(string){
	"panic": func(string) { panic("evil on purpose") },
	"exit0": func(string) { os.Exit(0) },
	"exit3": func(string) { os.Exit(3) },
	"hang":  func(string) { time.Sleep(time.Hour) },
	"spin": func(string) {
		for n := 0; ; n++ {
			_ = n
		}
	},
	"sleep": func(d string) {
		limit, _ := time.ParseDuration(d)
		time.Sleep(limit)
	},
	"signal":    func(name string) { unix.Kill(os.Getpid(), unix.SignalNum(name)) },
	"killchild": func(string) { evilKill() },
	"truncate":  func(path string) { os.Truncate(path, 4096) },
	"scribble":  func(path string) { os.WriteFile(path, []byte("#!/bin/false\n"), 0o755) },
	"replace": func(path string) {
		os.WriteFile(path+".evil", []byte("#!/bin/false\n"), 0o755)
		os.Rename(path+".evil", path)
	},
	"remove": func(path string) { os.Remove(path) },
	"folder": func(path string) {
		os.Remove(path)
		os.Mkdir(path, 0o755)
	},
	"nofiles": func(string) { evilLimit() },
	"wait":    evilWait,
}

// evilKill kills the first worker process.
func evilKill() {
	for _, pid := range children() {
		title, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if strings.Contains(string(title), "worker process") {
			unix.Kill(pid, unix.SIGKILL)
			return
		}
	}
}

// evilLimit lets this process open nothing for a while.
func evilLimit() {
	var before unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_NOFILE, &before)
	unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: before.Max})
	go func() {
		time.Sleep(time.Second)
		unix.Setrlimit(unix.RLIMIT_NOFILE, &before)
	}()
}

// evilWait tells that the step is there, by making the file, and goes on when
// somebody has removed it.
func evilWait(path string) {
	os.WriteFile(path, nil, 0o666)
	for {
		if _, err := os.Stat(path); err != nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
