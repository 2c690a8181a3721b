// Package statusfmt is a pure view: it turns what the master reports into the
// text and the JSON that the command line prints.
//
// Banner is what start prints, Status and Connections are the tables of the
// commands of the same name, JSON and ConnectionsJSON their machine-readable
// form. Plan and PlanJSON are those of diff, Check and CheckJSON those of check,
// History and HistoryJSON those of history. QPS compares two snapshots for
// status -d. What every number means stands in docs/status.md.
//
// Nothing here asks a clock, an environment variable or a terminal: the same
// snapshot and Options always give the same bytes, so each text has a golden
// file. Everything may be called from any goroutine.
package statusfmt

// Options says how a page is drawn. The zero value draws plain text for a
// pipe.
type Options struct {
	// Colour switches ANSI colours on. The caller decides it: only on a
	// terminal, and never when NO_COLOR is set.
	Colour bool
	// Width is that of the terminal in columns; 0 is no limit, as for a pipe.
	// Wider tables leave columns out and say so below, wider sentences go on
	// in the next line.
	Width int
	// Live is set by status -d: the page ends with how to leave it.
	Live bool
	// Kernel is the release of the running kernel for the version line,
	// empty if unknown.
	Kernel string
	// ReloadCommand is what the page of diff tells people to type; empty is
	// wm reload.
	ReloadCommand string
	// StopCommand is what the banner of a daemon tells people to type; empty
	// is the name of the program followed by "stop".
	StopCommand string
}
