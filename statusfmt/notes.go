package statusfmt

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/workerman-go/wm/ipc"
)

// notes are the lines below the tables; a healthy service has none.
func notes(snap *ipc.Snapshot) []string {
	var out []string
	if snap.State != "" && snap.State != "running" {
		out = append(out, "The service is "+clean(snap.State)+".")
	}
	if n := mixedNote(snap); n != "" {
		out = append(out, n)
	}
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

// generations counts the live processes of each generation, those that are asked for.
func generations(snap *ipc.Snapshot, which func(p ipc.ProcessRow) bool) map[int]int {
	count := map[int]int{}
	for _, p := range snap.Processes {
		if p.PID > 0 && which(p) {
			count[p.Generation]++
		}
	}
	return count
}

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
		word := fmt.Sprintf("%d processes", count[g])
		if count[g] == 1 {
			word = "1 process"
		}
		words = append(words, fmt.Sprintf("%d (%s)", g, word))
	}
	return fmt.Sprintf("Mixed generations: %s; current is %d; pid file %s",
		strings.Join(words, ", "), snap.Generation, clean(snap.PidFile))
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
