package ipc

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// HandoverVariable carries the Handover from the process that starts another
// one of the same binary. It is removed by TakeHandover.
const HandoverVariable = "_WM_HANDOVER"

// Role says what a started process is to become.
type Role string

// The roles of a process that was started with a hand-over.
const (
	RoleMaster  Role = "master"
	RoleWorker  Role = "worker"
	RoleProbe   Role = "probe"
	RoleWatcher Role = "watcher"

	// RoleRehearsal reads the state of a master as the image that is to take
	// its place would, and changes nothing.
	RoleRehearsal Role = "rehearsal"
)

// Handover is everything a started process is told before its first record.
type Handover struct {
	Version int      `json:"v"`
	Role    Role     `json:"role"`
	Args    []string `json:"args,omitempty"` // what follows -- on the command line
	Apps    []string `json:"apps,omitempty"` // only these; empty is all
	// Root is the folder that the source folders of apps are relative to.
	Root string `json:"root,omitempty"`

	Master  *MasterHandover  `json:"master,omitempty"`
	Worker  *WorkerHandover  `json:"worker,omitempty"`
	Watcher *WatcherHandover `json:"watcher,omitempty"`

	Link int `json:"link,omitempty"` // descriptor of the link (worker, probe, rehearsal, watcher)
}

// MasterHandover is what the command tells the master it turns into (debug
// mode) or detaches (daemon mode).
type MasterHandover struct {
	Daemon     bool   `json:"daemon"`
	Quiet      bool   `json:"quiet,omitempty"`
	Watch      bool   `json:"watch,omitempty"` // keep a watcher (debug mode)
	Executable string `json:"executable"`      // path of the binary as called, links not followed
	RunDir     string `json:"run_dir"`
	PidFile    string `json:"pid_file,omitempty"`    // from a flag or WM_*; beats Settings
	LogFile    string `json:"log_file,omitempty"`    // the same
	StdoutFile string `json:"stdout_file,omitempty"` // the same
	Progress   int    `json:"progress,omitempty"`    // descriptor of the start channel (daemon)

	// Adopt is there when this process is a master already and only its image
	// is new, and for a rehearsal of that.
	Adopt *AdoptHandover `json:"adopt,omitempty"`
}

// AdoptHandover is what the image that takes over a master is told before it
// can read the state.
type AdoptHandover struct {
	State int `json:"state"` // descriptor of the encoded State
	// Image is the descriptor of the executable of the image before, which is
	// executed again when this one fails; -1 when it is that one already.
	Image int `json:"image"`
	// Reason is why the new image failed, for the old one.
	Reason string `json:"reason,omitempty"`
	// Signals have come to the image before, which leaves them to this one.
	Signals []int `json:"signals,omitempty"`
}

// WorkerHandover is what the master tells a worker process.
type WorkerHandover struct {
	Spec       Spec `json:"spec"`
	Slot       int  `json:"slot"`
	Generation int  `json:"generation"`
	// Seated is false when another process still holds the seat: the timers
	// of OnWorkerStart wait for the Seated record.
	Seated   bool `json:"seated"`
	Listener int  `json:"listener"` // descriptor; -1 without an address
	Debug    bool `json:"debug"`
}

// WatcherHandover is what the master tells the process that watches the source
// of its service.
type WatcherHandover struct {
	Executable string `json:"executable"` // as in MasterHandover
	RunDir     string `json:"run_dir"`
	Quiet      bool   `json:"quiet,omitempty"` // tell of failures only
}

// ErrVersion is returned for a peer or a hand-over of a version that this one
// does not serve.
var ErrVersion = errors.New("ipc: version not served")

// Encode returns h as the environment entry of the process to be started.
// Called by the command line and the master.
func (h Handover) Encode() (string, error) {
	h.Version = Version
	body, err := json.Marshal(h)
	if err != nil {
		return "", fmt.Errorf("encode hand-over: %w", err)
	}
	return HandoverVariable + "=" + string(body), nil
}

// TakeHandover reads and removes the hand-over of this process; nil without
// an error when a person started it. Called first thing by every process.
func TakeHandover() (*Handover, error) {
	text, found := os.LookupEnv(HandoverVariable)
	if !found {
		return nil, nil
	}
	os.Unsetenv(HandoverVariable)
	h := new(Handover)
	if err := json.Unmarshal([]byte(text), h); err != nil {
		return nil, fmt.Errorf("read hand-over: %w", err)
	}
	if !served(h.Version) {
		return nil, fmt.Errorf("read hand-over of version %d: %w", h.Version, ErrVersion)
	}
	return h, nil
}
