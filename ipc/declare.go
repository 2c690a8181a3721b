package ipc

import "time"

// Spec is the part of a Worker that the master needs. The probe makes it from
// the author's declaration; the master compares two of them by Key.
type Spec struct {
	App       string `json:"app"`             // "chat", "todpole/gateway"; "main" in library mode
	Key       string `json:"key"`             // app/name, or app/ordinal where names repeat
	Name      string `json:"name"`            // "none" when the author gave none
	Address   string `json:"address"`         // as the author typed it; empty: no listener
	Listen    string `json:"listen"`          // as status shows it: "http://127.0.0.1:2345" or "none"
	Transport string `json:"transport"`       // tcp, ssl, unix, udp; empty without an address
	Protocol  string `json:"protocol"`        // scheme of the protocol, "" is raw
	Network   string `json:"network"`         // tcp, unix, udp; empty without an address
	Host      string `json:"host"`            // host:port or socket path for the listener
	Source    string `json:"source"`          // file:line of the New call
	Error     string `json:"error,omitempty"` // why this declaration cannot be started

	Count      int    `json:"count"`
	User       string `json:"user,omitempty"`
	Group      string `json:"group,omitempty"`
	Reloadable bool   `json:"reloadable"`
	Essential  bool   `json:"essential,omitempty"`  // its backoff ends the service
	ReusePort  bool   `json:"reuse_port,omitempty"` // a socket for each slot
	StopFirst  bool   `json:"stop_first"`
	StopLast   bool   `json:"stop_last,omitempty"` // of a graceful stop
	Backlog    int    `json:"backlog"`
	MaxProcs   int    `json:"max_procs"`
	// Connections is the limit of one process; 0: none. For check.
	Connections int `json:"connections,omitempty"`

	ReadyTimeout time.Duration `json:"ready_timeout_ns"`
	StopTimeout  time.Duration `json:"stop_timeout_ns"` // 0: that of Settings
	HangTimeout  time.Duration `json:"hang_timeout_ns,omitempty"`
	MaxAge       time.Duration `json:"max_age_ns,omitempty"`
	MaxRequests  int64         `json:"max_requests,omitempty"`
	MaxMemory    int64         `json:"max_memory,omitempty"` // bytes, private

	Files []KeyPair `json:"files,omitempty"` // certificates, for the master to read
}

// KeyPair names the files of a certificate and its key, absolute and maybe the
// same.
type KeyPair struct {
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

// Settings is what the apps put into worker.Settings; the zero value of a
// field means "not set there".
type Settings struct {
	Daemonize   bool          `json:"daemonize,omitempty"`
	PidFile     string        `json:"pid_file,omitempty"`
	LogFile     string        `json:"log_file,omitempty"`
	StdoutFile  string        `json:"stdout_file,omitempty"`
	StopTimeout time.Duration `json:"stop_timeout_ns,omitempty"`
}
