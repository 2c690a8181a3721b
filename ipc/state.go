package ipc

import "time"

// StateVersion is the version of State that this binary writes. It changes
// when a field changes its meaning; new fields are optional and do not change
// it.
const StateVersion = 1

// State is everything that a master hands to the image that takes its place
// in the same process. Descriptors are numbers of that process and stay open
// over the exec. Rows of its tables refer to each other by index, -1 is none.
type State struct {
	Program string `json:"program"`
	WM      string `json:"wm"`             // wm version of the writer
	Comm    string `json:"comm"`           // name of the process, which an exec changes
	Mono    int64  `json:"mono,omitempty"` // CLOCK_MONOTONIC in ns when the loop stood still

	Started         time.Time `json:"started"`
	Settings        Settings  `json:"settings"`
	PidFile         string    `json:"pid_file"`
	DroppedLogLines uint64    `json:"dropped_log_lines,omitempty"`
	LastNumber      int       `json:"last_number"` // of the newest generation
	LastID          uint64    `json:"last_id"`     // of a question to the processes
	Opened          uint64    `json:"opened"`      // how many binaries of reloads were
	NextLook        time.Time `json:"next_look,omitzero"`
	NextRead        time.Time `json:"next_read,omitzero"`

	Lock      int   `json:"lock"`                // descriptor
	Inherited []int `json:"inherited,omitempty"` // descriptors of whoever started the master

	Generation   int                `json:"generation"` // the one of new processes
	Generations  []GenerationState  `json:"generations"`
	Listeners    []ListenerState    `json:"listeners"`
	Groups       []GroupState       `json:"groups,omitempty"`
	Certificates []CertificateState `json:"certificates,omitempty"`
	Units        []UnitState        `json:"units"`
	Order        []int              `json:"order"`             // units that are wanted, as declared
	Removed      []int              `json:"removed,omitempty"` // units whose exits are still shown
	Slots        []SlotState        `json:"slots"`
	Processes    []ProcessState     `json:"processes"`
	Words        []WordsState       `json:"words,omitempty"` // pipes whose process is gone

	Reloads []ReloadState  `json:"reloads,omitempty"` // committed, and not over
	Queued  *ReloadState   `json:"queued,omitempty"`
	Watcher *WatcherState  `json:"watcher,omitempty"`
	Control ControlState   `json:"control"`
	Upgrade UpgradeState   `json:"upgrade"`
	Next    []UpgradeState `json:"next,omitempty"` // that wait, in order of arrival
}

// GenerationState is one executable and what its probe declared.
type GenerationState struct {
	Number   int       `json:"number"`
	Path     string    `json:"path"`
	Root     string    `json:"root"`
	FD       int       `json:"fd"` // of the executable; -1: only leaving processes are of it
	Digest   []byte    `json:"digest"`
	Changed  time.Time `json:"changed,omitzero"`
	Version  string    `json:"version,omitempty"` // of wm
	Program  string    `json:"program,omitempty"` // version of the program
	Specs    []Spec    `json:"specs,omitempty"`
	Settings Settings  `json:"settings"`
}

// ListenerState is a socket that worker processes inherit.
type ListenerState struct {
	Key     string    `json:"key,omitempty"` // empty: of a group or a slot
	FD      int       `json:"fd"`            // -1: only leaving processes had it
	Address string    `json:"address"`
	File    *FileAt   `json:"file,omitempty"` // of a Unix socket
	LentTo  int       `json:"lent_to"`        // process
	CloseAt time.Time `json:"close_at,omitzero"`
}

// FileAt is the file of a Unix socket: descriptors of its folder and of itself.
type FileAt struct {
	Path string `json:"path"`
	Dir  int    `json:"dir"`
	Own  int    `json:"own"`
}

// GroupState is the listeners of one address with ReusePort, by slot.
type GroupState struct {
	Key     string `json:"key"`
	Sockets []int  `json:"sockets"` // listeners
	Steered bool   `json:"steered,omitempty"`
}

// CertificateState is the certificate files of a Worker.
type CertificateState struct {
	Key      string               `json:"key"`
	Worker   string               `json:"worker"`
	Pairs    []KeyPair            `json:"pairs"`
	Contents map[string][]byte    `json:"contents,omitempty"`
	Read     map[string]FileStamp `json:"read,omitempty"`
	Seen     map[string]FileStamp `json:"seen,omitempty"`
	Again    time.Time            `json:"again,omitzero"` // on the clock on the wall
}

// FileStamp changes with a file; times are in ns.
type FileStamp struct {
	Dev   uint64 `json:"dev"`
	Ino   uint64 `json:"ino"`
	Size  int64  `json:"size"`
	Mtime int64  `json:"mtime"`
	Ctime int64  `json:"ctime"`
}

// IdentityState is the user that a process runs as.
type IdentityState struct {
	User   string   `json:"user"`
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups"`
}

// PlanState is what a process is started from.
type PlanState struct {
	Spec         Spec           `json:"spec"`
	Generation   int            `json:"generation"`
	Identity     *IdentityState `json:"identity,omitempty"`
	Listener     int            `json:"listener"`
	Group        int            `json:"group"`
	Certificates int            `json:"certificates"`
}

// UnitState is one Worker as the master sees it.
type UnitState struct {
	Plan   PlanState   `json:"plan"`
	Slots  []int       `json:"slots"`
	Exits  []ExitState `json:"exits,omitempty"`
	KickAt time.Time   `json:"kick_at,omitzero"`
	Kicked time.Time   `json:"kicked,omitzero"`
	Gone   bool        `json:"gone,omitempty"` // a reload has removed it
}

// ExitState counts the ends with one raw wait word.
type ExitState struct {
	Status     int `json:"status"`
	All        int `json:"all"`
	Unexpected int `json:"unexpected,omitempty"`
}

// SlotState is one seat of a unit.
type SlotState struct {
	Unit       int            `json:"unit"`
	Number     int            `json:"number"`
	Plan       PlanState      `json:"plan"`
	Current    int            `json:"current"` // process
	Leaving    []int          `json:"leaving,omitempty"`
	Inner      map[string]int `json:"inner,omitempty"` // listeners by address
	Rest       string         `json:"rest"`            // vacant or backoff
	Wait       time.Time      `json:"wait,omitzero"`
	Crashes    int            `json:"crashes,omitempty"`
	LastCause  string         `json:"last_cause,omitempty"`
	LastWords  string         `json:"last_words,omitempty"`
	BusySince  time.Time      `json:"busy_since,omitzero"`
	RenewAfter time.Time      `json:"renew_after,omitzero"`
}

// ProcessState is one worker process. It is a child of the master that nobody
// has waited for, unless Ended is there.
type ProcessState struct {
	PID   int        `json:"pid"`
	Slot  int        `json:"slot"`
	Plan  PlanState  `json:"plan"`
	State string     `json:"state"` // starting, running, stopping, vacant
	Link  LinkState  `json:"link"`
	Words WordsState `json:"words"`

	Started  time.Time     `json:"started"`
	ReadyBy  time.Time     `json:"ready_by,omitzero"`
	ReadyAt  time.Time     `json:"ready_at,omitzero"`
	ToldAt   time.Time     `json:"told_at,omitzero"`
	YieldBy  time.Time     `json:"yield_by,omitzero"`
	Yielded  bool          `json:"yielded,omitempty"`
	Paced    bool          `json:"paced,omitempty"`
	Pacing   time.Duration `json:"pacing_ns,omitempty"`
	Turn     string        `json:"turn,omitempty"` // waits or has; empty: none
	KillAt   time.Time     `json:"kill_at,omitzero"`
	Killed   bool          `json:"killed,omitempty"`
	Late     bool          `json:"late,omitempty"`
	Goodbye  bool          `json:"goodbye,omitempty"`
	Failed   *Failed       `json:"failed,omitempty"`
	Ended    *EndedState   `json:"ended,omitempty"`
	Finished bool          `json:"finished,omitempty"`
	Inner    []string      `json:"inner,omitempty"`
	Lent     int           `json:"lent,omitempty"`

	Figures    Figures   `json:"figures"`
	AnsweredAt time.Time `json:"answered_at,omitzero"`
	Spread     float64   `json:"spread"`
	WaitsFor   string    `json:"waits_for,omitempty"`
	Hung       bool      `json:"hung,omitempty"`
}

// EndedState is a wait word that was taken from the kernel.
type EndedState struct {
	Status int       `json:"status"`
	At     time.Time `json:"at"`
}

// LinkState is the master's end of a link; FD is -1 when it has ended.
type LinkState struct {
	FD      int           `json:"fd"`
	Partial *Partial      `json:"partial,omitempty"`
	Out     []RecordState `json:"out,omitempty"` // not sent yet, in order
}

// RecordState is one record with the descriptor beside it, -1 for none.
type RecordState struct {
	Record []byte `json:"record"`
	FD     int    `json:"fd"`
}

// WordsState is the pipe of a standard error and what is kept of it; FD is -1
// when the pipe has ended.
type WordsState struct {
	FD    int    `json:"fd"`
	Text  []byte `json:"text,omitempty"`
	Said  bool   `json:"said,omitempty"`
	Head  []byte `json:"head,omitempty"`
	Found bool   `json:"found,omitempty"`
	Quiet bool   `json:"quiet,omitempty"` // not passed on
}

// ReloadState is a reload that waits for its turn, or for its drains.
type ReloadState struct {
	Generation int          `json:"generation"`
	Path       string       `json:"path,omitempty"` // as it was asked for
	Order      uint64       `json:"order,omitempty"`
	Graceful   bool         `json:"graceful,omitempty"`
	IfNew      bool         `json:"if_new,omitempty"`
	Watched    bool         `json:"watched,omitempty"` // the watcher asked
	Install    string       `json:"install,omitempty"`
	By         []AskerState `json:"by,omitempty"`
	Began      time.Time    `json:"began,omitzero"`
	Renewal    int          `json:"renewal"`            // slot
	Waiters    []int        `json:"waiters,omitempty"`  // callers
	Leaves     []int        `json:"leaves,omitempty"`   // processes
	Did        string       `json:"did,omitempty"`      // what it has changed
	Failed     string       `json:"failed,omitempty"`   // what did not follow
	Upgraded   bool         `json:"upgraded,omitempty"` // the master, first
}

// AskerState is who asked for an operation: a command, or a signal.
type AskerState struct {
	Signal string `json:"signal,omitempty"`
	UID    int    `json:"uid"`
	PID    int    `json:"pid,omitempty"`
}

// WatcherState is the child that watches the source in debug mode.
type WatcherState struct {
	PID     int         `json:"pid,omitempty"` // 0: none runs
	Link    LinkState   `json:"link"`
	Words   WordsState  `json:"words"`
	Started time.Time   `json:"started,omitzero"`
	KillAt  time.Time   `json:"kill_at,omitzero"`
	Ended   *EndedState `json:"ended,omitempty"`
	Crashes int         `json:"crashes,omitempty"`
	Wait    time.Time   `json:"wait,omitzero"`
	Done    bool        `json:"done,omitempty"`
}

// ControlState is the control socket, which file it was bound to, and everybody
// who is connected.
type ControlState struct {
	FD      int           `json:"fd"`
	Dev     uint64        `json:"dev,omitempty"`
	Ino     uint64        `json:"ino,omitempty"`
	Callers []CallerState `json:"callers,omitempty"`
}

// CallerState is one command. Without a Request it has not asked yet; after
// Ended it only has to read what is in Out.
type CallerState struct {
	FD      int       `json:"fd"`
	Partial *Partial  `json:"partial,omitempty"`
	ReadBy  time.Time `json:"read_by,omitzero"`
	Request *Request  `json:"request,omitempty"`
	Digest  []byte    `json:"digest,omitempty"` // of the binary that a reload was called for
	Cut     bool      `json:"cut,omitempty"`
	Ended   bool      `json:"ended,omitempty"`
	Out     [][]byte  `json:"out,omitempty"` // records
}

// UpgradeState is the operation that the new image ends, or one that waits.
type UpgradeState struct {
	Generation int `json:"generation"` // the new binary of one that waits; else -1

	Path    string       `json:"path"` // of the new binary
	Install string       `json:"install,omitempty"`
	By      []AskerState `json:"by,omitempty"`
	Began   time.Time    `json:"began,omitzero"`
	Waiters []int        `json:"waiters,omitempty"` // callers
	Then    *ReloadState `json:"then,omitempty"`    // the reload that needs it
	Staged  *StagedState `json:"staged,omitempty"`  // nil: Install is not prepared
}

// StagedState is a copy of the new binary that is to be renamed to Install. Without
// a path the file of that name has its content already.
type StagedState struct {
	Path string `json:"path,omitempty"`
	FD   int    `json:"fd"` // keeps it locked; -1 without a path
}

// Descriptors lists every descriptor of the state, each once.
func (s *State) Descriptors() []int {
	var fds []int
	seen := map[int]bool{}
	add := func(more ...int) {
		for _, fd := range more {
			if fd >= 0 && !seen[fd] {
				seen[fd] = true
				fds = append(fds, fd)
			}
		}
	}
	add(s.Lock, s.Control.FD)
	if st := s.Upgrade.Staged; st != nil {
		add(st.FD)
	}
	add(s.Inherited...)
	for _, g := range s.Generations {
		add(g.FD)
	}
	for _, lis := range s.Listeners {
		add(lis.FD)
		if lis.File != nil {
			add(lis.File.Dir, lis.File.Own)
		}
	}
	for _, p := range s.Processes {
		add(p.Link.FD, p.Words.FD)
		for _, rec := range p.Link.Out {
			add(rec.FD)
		}
	}
	for _, w := range s.Words {
		add(w.FD)
	}
	if w := s.Watcher; w != nil {
		add(w.Link.FD, w.Words.FD)
	}
	for _, c := range s.Control.Callers {
		add(c.FD)
	}
	return fds
}
