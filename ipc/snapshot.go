package ipc

import "time"

// SchemaVersion is the version of the JSON that status --json and connections
// --json print. It changes when a field changes its meaning or goes away; new
// fields do not change it.
const SchemaVersion = 1

// ModeSingle is the mode of a service that is one process, without a master.
const ModeSingle = "SINGLE"

// Snapshot is the state of a service at one moment, as the master knows it.
type Snapshot struct {
	Schema  int    `json:"schema"`
	Program string `json:"program"`
	Version string `json:"version"`
	Go      string `json:"go"`

	Mode       string    `json:"mode"`  // DEBUG, DAEMON or ModeSingle
	State      string    `json:"state"` // running, reloading, stopping
	MasterPID  int       `json:"master_pid"`
	Executable string    `json:"executable"`
	PidFile    string    `json:"pid_file"`
	LogFile    string    `json:"log_file"`
	RunDir     string    `json:"run_dir"`
	StdoutFile string    `json:"stdout_file"`
	Generation int       `json:"generation"`
	Started    time.Time `json:"started"`
	Taken      time.Time `json:"taken"`
	// Load is the load average over 1, 5 and 15 minutes; nil if unknown.
	Load []float64 `json:"load"`
	// DroppedLogLines counts lines lost because wm.log could not keep up.
	DroppedLogLines uint64 `json:"dropped_log_lines"`

	Workers   []WorkerRow  `json:"workers"`
	Exits     []ExitRow    `json:"exits"`
	Processes []ProcessRow `json:"processes"`
}

// WorkerRow is one Worker of the service, in the order of declaration.
type WorkerRow struct {
	Key       string `json:"key"`
	App       string `json:"app"`
	Name      string `json:"name"`
	Listen    string `json:"listen"`
	Transport string `json:"transport"`
	Protocol  string `json:"protocol"`
	User      string `json:"user"`
	Count     int    `json:"count"`
	// Kept says that a reload leaves its processes alone.
	Kept bool `json:"kept,omitempty"`
}

// ExitRow counts the ends of a Worker's processes with one raw wait word. A
// Worker without any end has one row "0 0" in the text and none here.
type ExitRow struct {
	Key    string `json:"key"`
	Name   string `json:"name"`
	Status int    `json:"status"` // raw wait word: 65280, 64000, 9, 11
	Code   int    `json:"code"`   // exit status, -1 when a signal ended it
	Signal string `json:"signal,omitempty"`
	Count  int    `json:"count"`
	// Unexpected counts those that came without goodbye.
	Unexpected int `json:"unexpected"`
}

// Figures are what a worker process reports of itself.
type Figures struct {
	Connections    int64 `json:"connections"`
	TotalRequest   int64 `json:"total_request"`
	SendFail       int64 `json:"send_fail"`
	ThrowException int64 `json:"throw_exception"`
	Timers         int64 `json:"timers"`
	// Busy is for how long the loop has been in its present turn; 0 is idle.
	Busy time.Duration `json:"busy_ns"`
	// DroppedLogLines counts lines the process could not hand to the master.
	DroppedLogLines uint64 `json:"dropped_log_lines"`
}

// ProcessRow is one process of the service.
type ProcessRow struct {
	PID        int       `json:"pid"`
	Key        string    `json:"key"`
	Worker     string    `json:"worker_name"`
	Slot       int       `json:"slot"`
	Listen     string    `json:"listening"`
	State      string    `json:"state"` // starting, running, stopping, backoff
	Generation int       `json:"generation"`
	Started    time.Time `json:"started"`
	// Memory is the private memory in bytes (RssAnon): without the binary.
	Memory int64 `json:"memory"`
	// Answered is false when the figures are the last known ones.
	Answered bool          `json:"answered"`
	Silent   time.Duration `json:"silent_ns"` // since the last answer, when not Answered
	Figures
	// Shares says that the process serves another Worker too, whose row, the one
	// before, has its figures: all but the connections are zero here.
	Shares bool    `json:"shares,omitempty"`
	QPS    float64 `json:"qps"` // filled by the command line between two snapshots

	// The rest is filled in state backoff.
	NextTry   time.Time `json:"next_try,omitzero"`
	Crashes   int       `json:"crashes,omitempty"`
	LastCause string    `json:"last_cause,omitempty"`
	LastWords string    `json:"last_words,omitempty"`
}

// ConnectionRow is one connection of a worker process (features.md group 9).
type ConnectionRow struct {
	PID      int    `json:"pid"`
	Worker   string `json:"worker"`
	ID       uint64 `json:"id"`
	Trans    string `json:"transport"`
	Protocol string `json:"protocol"`
	IPv4     bool   `json:"ipv4"`
	IPv6     bool   `json:"ipv6"`
	RecvQ    int    `json:"recv_q"`
	SendQ    int    `json:"send_q"`
	BytesR   uint64 `json:"bytes_read"`
	BytesW   uint64 `json:"bytes_written"`
	Status   string `json:"status"`
	Local    string `json:"local"`
	Foreign  string `json:"foreign"`
}

// UnlistedRow is a process that did not list all its connections in time,
// because its loop, which alone knows them, is blocked.
type UnlistedRow struct {
	PID         int    `json:"pid"`
	Worker      string `json:"worker"`
	Slot        int    `json:"slot"`
	Connections int64  `json:"connections"` // last known
	Listed      int    `json:"listed"`      // how many of them came
	// Busy is for how long the loop has been in its present turn.
	Busy time.Duration `json:"busy_ns"`
	// Answered is false when the process did not answer at all: it is stopped.
	Answered bool          `json:"answered"`
	Silent   time.Duration `json:"silent_ns"` // since the last answer, when not Answered
}
