package statusfmt

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/workerman-go/wm/ipc"
)

// page collects the lines of one answer, so that it reaches the terminal in a
// single write.
type page struct {
	bytes.Buffer
	opt   Options
	width int // of the rulers
}

func newPage(opt Options, lines ...string) *page {
	p := &page{opt: opt, width: widest(lines...)}
	if opt.Width > 0 {
		p.width = min(p.width, opt.Width)
	}
	return p
}

func (p *page) line(format string, a ...any) {
	fmt.Fprintf(p, format, a...)
	p.WriteByte('\n')
}

// prose draws lines of words. What is wider than the terminal goes on below,
// four blanks deeper, and not in the middle of a word.
func (p *page) prose(text string) {
	for l := range strings.Lines(text + "\n") {
		p.wrapped(strings.TrimSuffix(l, "\n"))
	}
}

// pair draws two texts beside each other, or below when there is no room.
func (p *page) pair(a, b string) {
	const gap = "   "
	if p.opt.Width > 0 && display(a+gap+b) > p.opt.Width {
		p.prose(a + "\n" + b)
		return
	}
	p.line("%s%s%s", a, gap, b)
}

// missing says what the width of the terminal has cost a table.
func (p *page) missing(f *fitted) {
	if note := f.note(p.opt.Width, "--wide"); note != "" {
		p.prose(note)
	}
}

func (p *page) wrapped(line string) {
	words := strings.Split(strings.TrimLeft(line, " "), " ")
	indent := strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " ")))
	now := indent + words[0]
	for _, word := range words[1:] {
		if next := now + " " + word; p.opt.Width == 0 || display(next) <= p.opt.Width {
			now = next
			continue
		}
		p.line("%s", strings.TrimRight(now, " "))
		now = indent + "    " + word
	}
	p.line("%s", now)
}

// ruler draws a line of dashes with the caption in its middle.
func (p *page) ruler(caption string) {
	dashes := max(p.width-display(caption), 0)
	before := dashes / 2
	p.line("%s%s%s", strings.Repeat("-", before), caption, strings.Repeat("-", dashes-before))
}

// head draws the head line of a table that is width columns wide.
func (p *page) head(line string, width int) {
	blanks := strings.Repeat(" ", max(width-display(line), 0))
	if !p.opt.Colour {
		blanks = ""
	}
	p.line("%s", p.paint(reverse, line+blanks))
}

// row draws a line of a table whose last cell begins with the word tag, in
// the colour of that word.
func (p *page) row(line, lastCell string, tag tag) {
	before, found := strings.CutSuffix(line, lastCell)
	rest, tagged := strings.CutPrefix(lastCell, tag.text)
	if !found || !tagged {
		p.line("%s", line)
		return
	}
	p.line("%s%s%s", before, p.paint(tag.colour, tag.text), rest)
}

// colour is the parameter of an SGR sequence; empty is none.
type colour string

const (
	plain   colour = ""
	bold    colour = "1"
	reverse colour = "7"
	red     colour = "31"
	green   colour = "32"
	yellow  colour = "33"
)

// tag is a bracketed word that tells a state.
type tag struct {
	text   string
	colour colour
}

func (p *page) paint(c colour, s string) string {
	if !p.opt.Colour || c == plain {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}

func program(snap *ipc.Snapshot) string { return orProgram(snap.Program) }

func orProgram(name string) string {
	if name == "" {
		return "wm"
	}
	return clean(name)
}

func versionLine(snap *ipc.Snapshot, opt Options) string {
	kernel := "Linux"
	if opt.Kernel != "" {
		kernel += "/" + clean(opt.Kernel)
	}
	version := program(snap) + "/" + clean(snap.Version)
	return fmt.Sprintf("%-24s%-30s%s", version+" ", "Go/"+clean(snap.Go)+" ", kernel)
}
