package worker

import "time"

// SettingsValues is the type of Settings. A zero field means "not set here".
type SettingsValues struct {
	// Daemonize runs the service in the background, as start -d does.
	Daemonize bool
	// PidFile is where the master writes its process id.
	PidFile string
	// LogFile is the framework's log, written by the master alone.
	LogFile string
	// StdoutFile takes what the processes print in daemon mode.
	StdoutFile string
	// StopTimeout is how long a process may take to leave before it is
	// killed. A Worker's Life.StopTimeout beats it.
	StopTimeout time.Duration

	// MaxSendBufferSize is the backlog of a connection, in bytes, from which
	// on Send refuses; see Connection.MaxSendBufferSize. It is the default
	// of connections made later and may be changed at run time, on the loop.
	MaxSendBufferSize int
	// MaxPackageSize is the longest message a connection accepts, in bytes.
	// It is the default of connections made later and may be changed at run
	// time, on the loop.
	MaxPackageSize int
}

// Defaults of Settings.
const (
	defaultMaxSendBuffer = 1 << 20
	defaultMaxPackage    = 10 << 20
)

// Settings is what is static in Workerman. Set it in Start: a flag of the
// command line beats a WM_ variable, that beats this, this beats the default.
var Settings = SettingsValues{
	MaxSendBufferSize: defaultMaxSendBuffer,
	MaxPackageSize:    defaultMaxPackage,
}

// SettingsSnapshot returns Settings as they are now. For the harness only,
// which reads them before and after each Start.
func SettingsSnapshot() SettingsValues { return Settings }

// SettingsOf returns what the Start of an app changed; every other field is
// zero. For the harness only, after Declare.
func SettingsOf(app string) SettingsValues {
	declared.mu.Lock()
	defer declared.mu.Unlock()
	return declared.settings[app]
}

// since keeps the fields that differ from before.
func (s SettingsValues) since(before SettingsValues) SettingsValues {
	keep(&s.Daemonize, before.Daemonize)
	keep(&s.PidFile, before.PidFile)
	keep(&s.LogFile, before.LogFile)
	keep(&s.StdoutFile, before.StdoutFile)
	keep(&s.StopTimeout, before.StopTimeout)
	keep(&s.MaxSendBufferSize, before.MaxSendBufferSize)
	keep(&s.MaxPackageSize, before.MaxPackageSize)
	return s
}

// keep makes an unchanged value zero.
func keep[T comparable](v *T, before T) {
	if *v == before {
		var zero T
		*v = zero
	}
}

// positive returns v, or the default for what is not a size.
func positive[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}
