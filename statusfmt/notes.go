package statusfmt

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// notes are the lines below the tables; a healthy service has none.
func notes(snap *ipc.Snapshot) []string {
	var out []string
	if snap.State != "" && snap.State != "running" {
		out = append(out, "The service is "+clean(snap.State)+".")
	}
	for _, n := range []string{mixedNote(snap), versionsNote(snap)} {
		if n != "" {
			out = append(out, n)
		}
	}
	out = append(out, drainNotes(snap)...)
	out = append(out, backoffNotes(snap)...)
	dropped := snap.DroppedLogLines
	for _, p := range snap.Processes {
		dropped += p.DroppedLogLines
	}
	if dropped > 0 {
		out = append(out, plural(dropped, "log line")+" dropped because the log could not keep up.")
	}
	return out
}

// generations counts the processes of each generation that are there to stay,
// those that are asked for.
func generations(snap *ipc.Snapshot, which func(p ipc.ProcessRow) bool) map[int]int {
	count := map[int]int{}
	for _, p := range snap.Processes {
		if p.PID > 0 && !leaves(p) && which(p) {
			count[p.Generation]++
		}
	}
	return count
}

// leaves says that the process was told to go.
func leaves(p ipc.ProcessRow) bool { return p.State == "draining" || p.State == "stopping" }

// mixedNote is about the Workers that a reload should have made one generation.
func mixedNote(snap *ipc.Snapshot) string {
	kept := map[string]bool{}
	for _, w := range snap.Workers {
		kept[w.Key] = w.Kept
	}
	count := generations(snap, func(p ipc.ProcessRow) bool { return !kept[p.Key] })
	if len(count) < 2 {
		return ""
	}
	var words []string
	for _, g := range slices.Sorted(maps.Keys(count)) {
		words = append(words, fmt.Sprintf("%d (%s)", g, processes(count[g])))
	}
	return fmt.Sprintf("Mixed generations: %s; current is %d; pid file %s",
		strings.Join(words, ", "), snap.Generation, clean(snap.PidFile))
}

func processes(n int) string {
	if n == 1 {
		return "1 process"
	}
	return fmt.Sprintf("%d processes", n)
}

// versionsNote is about processes that run another version of the program, or of
// wm, than the master does. Those of Workers that are kept count too.
func versionsNote(snap *ipc.Snapshot) string {
	type build struct {
		generation  int
		version, wm string
	}
	count := map[build]int{}
	var others []build
	for _, p := range snap.Processes {
		same := (p.Version == "" || p.Version == snap.Version) && p.WM == snap.WM
		if p.PID <= 0 || leaves(p) || p.WM == "" || same {
			continue
		}
		b := build{p.Generation, p.Version, p.WM}
		if count[b] == 0 {
			others = append(others, b)
		}
		count[b]++
	}
	if len(others) == 0 {
		return ""
	}
	slices.SortFunc(others, func(a, b build) int { return a.generation - b.generation })
	words := []string{"the master runs " + versions(snap, snap.Version, snap.WM)}
	for _, b := range others {
		words = append(words, fmt.Sprintf("generation %d (%s) %s",
			b.generation, processes(count[b]), versions(snap, b.version, b.wm)))
	}
	return "Mixed versions: " + strings.Join(words, ", ")
}

// versions names the program, and wm in it when that is something else.
func versions(snap *ipc.Snapshot, version, wm string) string {
	of := "wm/" + clean(wm)
	if program(snap) == "wm" || version == "" {
		return of
	}
	return program(snap) + "/" + clean(version) + " with " + of
}

// maxDrainNotes is how many processes are told of one by one.
const maxDrainNotes = 8

// drainNotes tells of each process that leaves what keeps it, those first that
// have been at it the longest.
func drainNotes(snap *ipc.Snapshot) (out []string) {
	var rows []ipc.ProcessRow
	for _, p := range sorted(snap) {
		if leaves(p) && !p.ToldAt.IsZero() {
			rows = append(rows, p)
		}
	}
	slices.SortStableFunc(rows, func(a, b ipc.ProcessRow) int { return a.ToldAt.Compare(b.ToldAt) })
	for i, p := range rows {
		if i == maxDrainNotes {
			return append(out, fmt.Sprintf("... and %s more", processes(len(rows)-i)))
		}
		out = append(out, drainNote(p, snap.Taken))
	}
	return out
}

func drainNote(p ipc.ProcessRow, now time.Time) string {
	word, limit := "Draining", "without a limit"
	if p.State == "stopping" {
		word = "Stopping"
	}
	if !p.KillAt.IsZero() {
		limit = until(p.KillAt.Sub(now)) + " left"
	}
	note := fmt.Sprintf("%s %s/%d pid %d of generation %d: for %s, %s",
		word, clean(p.Key), p.Slot, p.PID, p.Generation, age(now.Sub(p.ToldAt)), limit)
	if p.WaitsFor != "" {
		note += ", waits for " + clean(p.WaitsFor)
	}
	return note
}

// backoffNotes tells once for all slots of a Worker with the same cause, how
// often they ended and what the last one said.
func backoffNotes(snap *ipc.Snapshot) (out []string) {
	type group struct{ key, cause, words string }
	slots, crashes := map[group]int{}, map[group]int{}
	var order []group
	for _, p := range sorted(snap) {
		if p.State != "backoff" {
			continue
		}
		g := group{p.Key, clean(p.LastCause), firstLine(p.LastWords)}
		if slots[g] == 0 {
			order = append(order, g)
		}
		slots[g]++
		crashes[g] += p.Crashes
	}
	for _, g := range order {
		note := fmt.Sprintf("Backoff %s: %s, %s", clean(g.key),
			plural(slots[g], "slot"), plural(crashes[g], "early end"))
		if g.cause != "" {
			note += ", last cause: " + g.cause
		}
		if g.words != "" && g.words != g.cause {
			note += ", last words: " + g.words
		}
		out = append(out, note)
	}
	return out
}

// firstLine is the first line of a crash report that says something: the
// panic or fatal error, before the stacks.
func firstLine(s string) string {
	for l := range strings.Lines(s) {
		if l = strings.TrimSpace(clean(l)); l != "" {
			return l
		}
	}
	return ""
}
