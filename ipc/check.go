package ipc

// Check is what wm check has found. It crosses no border between processes; it
// stands here because text and JSON are made of it as of a Snapshot.
type Check struct {
	Schema   int             `json:"schema"`
	OK       bool            `json:"ok"`      // no finding is an error
	Version  string          `json:"version"` // of wm in the binary; empty when it did not tell
	Workers  []CheckedWorker `json:"workers"`
	Findings []Finding       `json:"findings"`
}

// CheckedWorker is a Worker that a start would run.
type CheckedWorker struct {
	Key    string `json:"key"`
	App    string `json:"app"`
	Listen string `json:"listen"`
	Count  int    `json:"count"`
	Source string `json:"source"`
	// Address is "free", "held by this service" or "held by pid N (NAME)";
	// empty without an address, or when it was not looked at.
	Address string `json:"address"`
}

// Levels of a Finding.
const (
	FindingError   = "error"   // a start would fail
	FindingWarning = "warning" // it would run, but not as somebody may expect
)

// Finding is one thing that is not as it should be.
type Finding struct {
	Level  string `json:"level"`            // error or warning
	Worker string `json:"worker,omitempty"` // key; empty: the service as a whole
	Source string `json:"source,omitempty"` // file:line of the New call
	Text   string `json:"text"`
	Advice string `json:"advice,omitempty"` // what to do about it
}
