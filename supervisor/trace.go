package supervisor

import (
	"fmt"
	"slices"
	"strings"
)

// declareFrame is where wm calls the author's Start: in a trace, what stands from
// there on is wm's own road to it and the same every time.
const declareFrame = "github.com/workerman-go/wm/worker.DeclareBeside("

// ownFrames leaves out of the trace of a panic what lies below the author's code.
// The log gets it whole, see logEnd and logProbe.
func ownFrames(words string) string {
	lines := strings.Split(words, "\n")
	from := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, declareFrame) })
	if from < 0 {
		return words
	}
	to := len(lines)
	if blank := slices.Index(lines[from:], ""); blank >= 0 {
		to = from + blank
	}
	left := fmt.Sprintf("... %d lines of wm below", to-from)
	return strings.Join(slices.Concat(lines[:from], []string{left}, lines[to:]), "\n")
}
