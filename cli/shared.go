package cli

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

const (
	maxOutcomeBytes = 256 << 10
	maxComplaint    = 16 << 10 // of the compiler, for those who share its failure
)

// buildOutcome is what became of the last build in a tree. It is the content of the
// build lock file, written and read by whoever holds the lock: commands that
// waited meanwhile need not build what has just been built. A file that cannot
// be understood, as a killed command may leave it, says nothing.
type buildOutcome struct {
	Boot     string        `json:"boot"`     // which run of the kernel Began belongs to
	Began    time.Duration `json:"began_ns"` // CLOCK_BOOTTIME before the sources were read
	PID      int           `json:"pid"`      // of the command that built
	Master   int           `json:"master"`   // pid of the master that it was for
	RunDir   string        `json:"run_dir"`
	Graceful bool          `json:"graceful"`
	Code     int           `json:"code"`
	Text     string        `json:"text"`               // result of the reload
	Compiler string        `json:"compiler,omitempty"` // what it said of a build that failed
}

// bootTime is the time since the kernel began: it counts on while the machine
// sleeps, and nobody sets it.
func bootTime() time.Duration {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return math.MaxInt64 // nothing began after it
	}
	return time.Duration(now.Nano())
}

// bootID names this run of the kernel; empty when that cannot be seen.
func bootID() string {
	text, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(text))
}

// leaveWord writes what became of the build that began last. The file is empty
// in between, so that a command that is killed leaves nothing to misread.
func (w *workshop) leaveWord(o buildOutcome) error {
	o.Boot, o.Began, o.PID = bootID(), w.began, os.Getpid()
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if err := unix.Ftruncate(w.lock, 0); err != nil {
		return err
	}
	_, err = unix.Pwrite(w.lock, text, 0)
	return err
}

// lastWord is what became of the last build; nil when nobody has said.
func (w *workshop) lastWord() *buildOutcome {
	text := make([]byte, maxOutcomeBytes)
	n, err := unix.Pread(w.lock, text, 0)
	if err != nil {
		return nil
	}
	o := new(buildOutcome)
	if json.Unmarshal(text[:n], o) != nil || o.Boot == "" || o.Boot != bootID() {
		return nil
	}
	return o
}

// answers tells whether o is the answer to in too: the sources were read after
// in was called, for the same master, which is still there, and its old
// processes were not given more time than in gives them.
func (o *buildOutcome) answers(in *invocation, graceful bool) bool {
	return o != nil && o.Began > in.called && o.RunDir == in.dir.Path &&
		(o.Code == ipc.CodeDone || o.Code == ipc.CodeFailed) &&
		(graceful || !o.Graceful) && o.Master == in.masterPeer()
}

// repeat says what another command was told; it returns the exit status.
func (in *invocation) repeat(o *buildOutcome) int {
	if o.Compiler != "" {
		io.WriteString(in.stderr, o.Compiler)
	}
	if o.Code != ipc.CodeDone {
		what := "reload failed: "
		if o.Compiler != "" {
			what = "" // the build failed, and says so
		}
		in.complain("%s%s (the build of process %d, begun after this command)", what, o.Text, o.PID)
		return o.Code
	}
	in.say("reload success: %s (the build of process %d, begun after this command)", o.Text, o.PID)
	return o.Code
}

// tellOthers leaves the outcome for the commands that wait for the lock. What
// is not the word of the master or of the compiler is not passed on.
func (in *invocation) tellOthers(w *workshop, o buildOutcome) {
	o.RunDir = in.dir.Path
	if err := w.leaveWord(o); err != nil {
		in.complain("other commands will build again: %v", err)
	}
}

// complaint keeps the end of what the compiler says.
type complaint struct{ text []byte }

func (c *complaint) Write(p []byte) (int, error) {
	c.text = append(c.text, p...)
	if more := len(c.text) - maxComplaint; more > 0 {
		c.text = c.text[more:]
	}
	return len(p), nil
}

// buildFailed is what others are told of a build that ended with err; false
// when it says nothing of the sources.
func buildFailed(err error, said *complaint) (buildOutcome, bool) {
	return buildOutcome{Code: ipc.CodeFailed, Text: err.Error(), Compiler: string(said.text)},
		errors.Is(err, errBuild)
}
