package ipc

import "time"

// Type says what a record carries; spec.md is the list.
type Type uint8

// Worker process to master.
const (
	TypeHello Type = iota + 1
	TypeReady
	TypeYielded
	TypeReport
	TypeConnections
	TypeLog
	TypeListen
	TypePaused
	TypeFailed
	TypeWaiting
	TypeGoodbye
	TypeTurnOver
)

// Master to worker process.
const (
	TypeSeated Type = iota + 32
	TypeDrain
	TypeReload
	TypeAskReport
	TypeAskConnections
	TypeKick
	TypeListening
	TypeDump
	TypeFiles
	TypeLend
	TypeReclaim
	TypeTurn
)

// Probe to master.
const (
	TypeAnnounce Type = iota + 64
	TypeSpecs
	TypeDone
	TypeAdopted // of a rehearsal
)

// TypeRequest goes from the command line to the master.
const TypeRequest Type = 96

// Master to command line.
const (
	TypeProgress Type = iota + 112
	TypeSnapshot
	TypeConnectionList
	TypeResult
	TypePlan
)

// Message is the body of a record. Each concrete message names its own type,
// so that what is sent can never disagree with its header.
type Message interface{ Type() Type }

// Hello is the first record of a worker process on its link.
type Hello struct {
	PID     int    `json:"pid"`
	Version string `json:"version"`
}

// Ready says that the process can serve: listeners attached, OnWorkerStart
// returned nil, every HoldReady released.
type Ready struct{}

// Yielded says that a draining process takes no part in accepting and
// runs no timer of OnWorkerStart any more, so its seat may be taken.
type Yielded struct {
	// Pacing is how long the closes of its connections are spread, 0 when it has
	// none to spread. The Timeout of the drain begins when it is over.
	Pacing time.Duration `json:"pacing_ns,omitempty"`
}

// Report answers AskReport.
type Report struct {
	ID      uint64  `json:"id"`
	Figures Figures `json:"figures"`
	// WaitsFor is what a process that leaves still waits for.
	WaitsFor string `json:"waits_for,omitempty"`
	// Workers are the accepted connections by key, of a process that serves
	// several Workers.
	Workers map[string]int64 `json:"workers,omitempty"`
}

// Connections is one piece of the answer to AskConnections.
type Connections struct {
	ID   uint64          `json:"id"`
	Rows []ConnectionRow `json:"rows"`
	Last bool            `json:"last"`
}

// Log is one line for wm.log; the master adds time and pid.
type Log struct {
	Text string `json:"text"`
}

// Listen asks the master to open and keep a listener (Worker.Listen).
type Listen struct {
	ID      uint64 `json:"id"`
	Address string `json:"address"` // network://host
	// ReusePort lets other slots listen at the same port.
	ReusePort bool `json:"reuse_port,omitempty"`
}

// Paused says that this process stopped accepting without leaving.
type Paused struct{}

// Failed says in words why the process is about to end with Code.
type Failed struct {
	Code int    `json:"code"`
	Text string `json:"text"`
}

// Waiting says what a drain still waits for, for the log.
type Waiting struct {
	Text string `json:"text"`
}

// Goodbye is the last record of an orderly end.
type Goodbye struct {
	Code int `json:"code"`
}

// TurnOver says that a process which closes its connections one after another has
// closed them, so that the next one may begin. One that has none, as Yielded says,
// does not send it.
type TurnOver struct{}

// Seated gives the process its seat: the timers of OnWorkerStart begin.
type Seated struct{}

// Drain tells the process to leave. Graceful waits for the connections
// without a limit; otherwise idle ones are closed and the master kills the
// process after Timeout. Restart says that others go on serving (a reload, a
// renewal): peers are told so, and their connections are closed one after
// another. The master waits for that too, see Yielded. InLine says that processes
// of the same Worker that were told before still do that: those connections are
// served until Turn comes, and Timeout begins then.
type Drain struct {
	Graceful bool          `json:"graceful"`
	Timeout  time.Duration `json:"timeout_ns"`
	Restart  bool          `json:"restart,omitempty"`
	InLine   bool          `json:"in_line,omitempty"`
}

// Reload tells a process that is not Reloadable to run OnWorkerReload. A
// descriptor beside it is the reopened standard output.
type Reload struct{}

// AskReport asks for the figures of the process.
type AskReport struct {
	ID uint64 `json:"id"`
}

// AskConnections asks for the list of connections of the process.
type AskConnections struct {
	ID uint64 `json:"id"`
}

// Kick asks for one round of accept: a sibling stopped accepting.
type Kick struct{}

// Listening answers Listen; the listener is the descriptor beside it.
type Listening struct {
	ID    uint64 `json:"id"`
	Error string `json:"error,omitempty"`
}

// Dump asks the harness to write the stacks of all goroutines to the standard
// error: the process hangs and is about to be killed.
type Dump struct{}

// Files has the contents of all certificate files of the Worker by path. It is
// the first message to a process whose Spec has files, and comes again when
// they have changed.
type Files struct {
	Files map[string][]byte `json:"files"`
}

// Lend asks the process to accept from the listener of another slot too, which
// is the descriptor beside it.
type Lend struct {
	Slot int `json:"slot"`
}

// Reclaim ends Lend: the process accepts who waits there and closes its
// descriptor.
type Reclaim struct {
	Slot int `json:"slot"`
}

// Turn tells a process that stands in line to close its connections one after
// another now.
type Turn struct{}

// Announce names the app whose Start runs next in the probe.
type Announce struct {
	App string `json:"app"`
}

// Specs is what one app declared.
type Specs struct {
	App      string   `json:"app"`
	Specs    []Spec   `json:"specs"`
	Settings Settings `json:"settings"`
}

// Done ends a probe; Version is the wm version of the probed binary and Program
// that of the program, see cli.Program.
type Done struct {
	Version string `json:"version"`
	Program string `json:"program,omitempty"`
}

// Adopted says that a rehearsal could read and build everything. Version is
// the wm version of its binary, State the version of State that it writes.
type Adopted struct {
	Version string `json:"version"`
	State   int    `json:"state"`
}

// The commands a master serves.
const (
	CommandPing        = "ping"
	CommandStatus      = "status"
	CommandConnections = "connections"
	CommandStop        = "stop"
	CommandReload      = "reload"
	CommandDiff        = "diff"
	CommandUpgrade     = "upgrade"
)

// Request is what the command line asks.
type Request struct {
	Command  string `json:"command"`
	Graceful bool   `json:"graceful,omitempty"`
	NoWait   bool   `json:"no_wait,omitempty"`
	// Binary is the file of a reload, upgrade or diff; empty: the one started.
	Binary    string `json:"binary,omitempty"`
	InstallAs string `json:"install_as,omitempty"` // give Binary this name after success
	// IfNew has a reload do nothing when Binary is live in all processes already.
	IfNew bool `json:"if_new,omitempty"`
}

// Progress is one step of a start, stop or reload, for people.
type Progress struct {
	// Kind is probe, bind, plan, starting, ready, stopped, replaced, added,
	// removed, kept, rollback, live (the new generation has every seat, old
	// processes may still be leaving), mixed (putting back has failed) or note.
	Kind   string `json:"kind"`
	Text   string `json:"text"` // what else there is to say; Worker and Slot say of whom
	Worker string `json:"worker,omitempty"`
	Slot   int    `json:"slot"`
	PID    int    `json:"pid,omitempty"`
	Done   int    `json:"done"`
	Total  int    `json:"total"`
}

// ConnectionList is one piece of the answer to the connections command.
type ConnectionList struct {
	Rows []ConnectionRow `json:"rows"`
	// Unlisted comes in the last piece, when there is any.
	Unlisted []UnlistedRow `json:"unlisted,omitempty"`
}

// Result ends the answer to a request. Code is the exit status of the
// command; Text says why when it is not 0.
type Result struct {
	Code int    `json:"code"`
	Text string `json:"text,omitempty"`
}

func (*Hello) Type() Type          { return TypeHello }
func (*Ready) Type() Type          { return TypeReady }
func (*Yielded) Type() Type        { return TypeYielded }
func (*Report) Type() Type         { return TypeReport }
func (*Connections) Type() Type    { return TypeConnections }
func (*Log) Type() Type            { return TypeLog }
func (*Listen) Type() Type         { return TypeListen }
func (*Paused) Type() Type         { return TypePaused }
func (*Failed) Type() Type         { return TypeFailed }
func (*Waiting) Type() Type        { return TypeWaiting }
func (*Goodbye) Type() Type        { return TypeGoodbye }
func (*TurnOver) Type() Type       { return TypeTurnOver }
func (*Seated) Type() Type         { return TypeSeated }
func (*Drain) Type() Type          { return TypeDrain }
func (*Reload) Type() Type         { return TypeReload }
func (*AskReport) Type() Type      { return TypeAskReport }
func (*AskConnections) Type() Type { return TypeAskConnections }
func (*Kick) Type() Type           { return TypeKick }
func (*Listening) Type() Type      { return TypeListening }
func (*Dump) Type() Type           { return TypeDump }
func (*Files) Type() Type          { return TypeFiles }
func (*Lend) Type() Type           { return TypeLend }
func (*Reclaim) Type() Type        { return TypeReclaim }
func (*Turn) Type() Type           { return TypeTurn }
func (*Announce) Type() Type       { return TypeAnnounce }
func (*Specs) Type() Type          { return TypeSpecs }
func (*Done) Type() Type           { return TypeDone }
func (*Adopted) Type() Type        { return TypeAdopted }
func (*Request) Type() Type        { return TypeRequest }
func (*Progress) Type() Type       { return TypeProgress }
func (*Snapshot) Type() Type       { return TypeSnapshot }
func (*ConnectionList) Type() Type { return TypeConnectionList }
func (*Result) Type() Type         { return TypeResult }
func (*Plan) Type() Type           { return TypePlan }

// blank makes the empty message of each type; a type that is not here is
// unknown and skipped by the receiver.
var blank = map[Type]func() Message{
	TypeHello:          func() Message { return new(Hello) },
	TypeReady:          func() Message { return new(Ready) },
	TypeYielded:        func() Message { return new(Yielded) },
	TypeReport:         func() Message { return new(Report) },
	TypeConnections:    func() Message { return new(Connections) },
	TypeLog:            func() Message { return new(Log) },
	TypeListen:         func() Message { return new(Listen) },
	TypePaused:         func() Message { return new(Paused) },
	TypeFailed:         func() Message { return new(Failed) },
	TypeWaiting:        func() Message { return new(Waiting) },
	TypeGoodbye:        func() Message { return new(Goodbye) },
	TypeTurnOver:       func() Message { return new(TurnOver) },
	TypeSeated:         func() Message { return new(Seated) },
	TypeDrain:          func() Message { return new(Drain) },
	TypeReload:         func() Message { return new(Reload) },
	TypeAskReport:      func() Message { return new(AskReport) },
	TypeAskConnections: func() Message { return new(AskConnections) },
	TypeKick:           func() Message { return new(Kick) },
	TypeListening:      func() Message { return new(Listening) },
	TypeDump:           func() Message { return new(Dump) },
	TypeFiles:          func() Message { return new(Files) },
	TypeLend:           func() Message { return new(Lend) },
	TypeReclaim:        func() Message { return new(Reclaim) },
	TypeTurn:           func() Message { return new(Turn) },
	TypeAnnounce:       func() Message { return new(Announce) },
	TypeSpecs:          func() Message { return new(Specs) },
	TypeDone:           func() Message { return new(Done) },
	TypeAdopted:        func() Message { return new(Adopted) },
	TypeRequest:        func() Message { return new(Request) },
	TypeProgress:       func() Message { return new(Progress) },
	TypeSnapshot:       func() Message { return new(Snapshot) },
	TypeConnectionList: func() Message { return new(ConnectionList) },
	TypeResult:         func() Message { return new(Result) },
	TypePlan:           func() Message { return new(Plan) },
}
