package supervisor

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/listen"
	"github.com/workerman-go/wm/rundir"
)

// ErrRunning is returned by Run when another master holds the lock of the run
// directory.
var ErrRunning = errors.New("supervisor: already running")

// Bounds of the master's patience.
const (
	probeTimeout       = 10 * time.Second       // for all Start functions together
	yieldTimeout       = time.Second            // a blocked loop forfeits its seat
	pipeTimeout        = 500 * time.Millisecond // for what a dead process left in its pipes
	kickEvery          = 10 * time.Millisecond
	reportTimeout      = 150 * time.Millisecond // then status shows the last known figures
	defaultStopTimeout = 10 * time.Second
	maxPacing          = 20 * time.Second       // that a process may ask for beside it
	flushPatience      = 200 * time.Millisecond // for the terminal, before the banner
	maxLeaving         = 3                      // draining processes of one slot
	maxRemoved         = 64                     // removed Workers whose exits are shown
)

// Config is what the command line decided about the service.
type Config struct {
	Program, Version string
	WM               string // wm version of this binary; empty: nothing is upgraded by a reload
	Daemon           bool
	Quiet            bool   // the watcher tells of failures only
	Watch            bool   // keep a watcher; nothing in daemon mode
	Executable       string // path of the binary as called: absolute, links not followed
	Dir              rundir.Dir

	// PidFile, LogFile and StdoutFile come from a flag or WM_*; empty means
	// what the apps put into Settings, or else the default.
	PidFile, LogFile, StdoutFile string

	Apps    []string // run only these; empty is all
	Args    []string // for the apps: what follows -- on the command line
	Environ []string // environment of every process; nil: the master's own

	// Adopt makes Run take over the master that this process is, whose image
	// was replaced.
	Adopt *ipc.AdoptHandover
	// Inherited are descriptors of whoever started the master, which stay open
	// over an upgrade and are not passed on otherwise.
	Inherited []int

	// Progress is told each step of the start. Called on the loop; must not
	// block for long.
	Progress func(ipc.Progress)
	// Started is called once, on the loop, when every worker process is
	// ready.
	Started func(*ipc.Snapshot)
	// Terminal gets the log lines too (debug mode); nil in daemon mode.
	Terminal io.Writer
}

// system is the seam to the operating system, so that tests can play whole
// lives of slots without a process.
type system struct {
	start func(launch) (*launched, error)
	kill  func(pidfd int, sig unix.Signal) error
	open  func(listen.Address) (*listen.Socket, error)
	try   func(listen.Address) error // tells whether it could be opened
	now   func() time.Time
	pidfd func(pid int) (int, error)
	files func() (open, limit int) // descriptors of this process
	// stderr is where the standard error of the processes goes.
	stderr io.Writer
}

func realSystem() system {
	return system{
		start: start,
		kill: func(pidfd int, sig unix.Signal) error {
			return unix.PidfdSendSignal(pidfd, sig, nil, 0)
		},
		open:   listen.Open,
		try:    listen.Try,
		now:    time.Now,
		pidfd:  func(pid int) (int, error) { return unix.PidfdOpen(pid, 0) },
		files:  countFiles,
		stderr: os.Stderr,
	}
}

func (c *Config) environ() []string {
	if c.Environ != nil {
		return c.Environ
	}
	return os.Environ()
}

func firstSet(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
