package statusfmt

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/workerman-go/wm/ipc"
)

// none stands where there is no value.
const none = "-"

var bannerColumns = []column{
	{"event-loop", left}, {"proto", left}, {"user", left}, {"worker", left},
	{"listen", left}, {"count", left}, {"state", left},
}

var bannerGiving = giving{
	leave: []string{"event-loop", "proto   ", "user    "}, cut: []string{"listen  ", "worker  "},
}

// Banner writes what start shows once the service runs: the Workers, whether
// every process of them is ready, and how to stop. Called by the command line
// after the master reported success.
func Banner(w io.Writer, snap *ipc.Snapshot, opt Options) error {
	rows, tags := bannerRows(snap)
	drawn, err := fit(spread(bannerColumns), rows, 4, opt.Width, bannerGiving)
	if err != nil {
		return err
	}
	lines, version := drawn.lines, versionLine(snap, opt)
	p := newPage(opt, append(lines, version)...)
	p.ruler(" " + strings.ToUpper(program(snap)) + " ")
	p.prose(version)
	p.ruler(" WORKERS ")
	p.head(lines[0], widest(lines...))
	for i, l := range lines[1:] {
		p.row(l, tags[i].text, tags[i])
	}
	p.ruler("")
	if note := drawn.note(opt.Width, "status --json"); note != "" {
		p.prose(note)
	}
	p.prose(bannerFooter(snap, opt))
	_, err = w.Write(p.Bytes())
	return err
}

// spread gives short columns the eight places of the manual's banner.
func spread(cols []column) []column {
	out := make([]column, len(cols))
	for i, c := range cols {
		out[i] = column{fmt.Sprintf("%-8s", c.head), c.align}
	}
	return out
}

func bannerRows(snap *ipc.Snapshot) (rows [][]string, tags []tag) {
	running := map[string]int{}
	for _, p := range snap.Processes {
		if p.State == "running" {
			running[p.Key]++
		}
	}
	for _, w := range snap.Workers {
		t := tag{"[OK]", green}
		if n := running[w.Key]; n < w.Count {
			t = tag{fmt.Sprintf("[%d/%d]", n, w.Count), yellow}
		}
		rows = append(rows, []string{
			"epoll", orNone(w.Transport), orNone(w.User), orWord(w.Name), orWord(w.Listen),
			strconv.Itoa(w.Count), t.text,
		})
		tags = append(tags, t)
	}
	return rows, tags
}

func bannerFooter(snap *ipc.Snapshot, opt Options) string {
	if snap.Mode != "DAEMON" {
		return "Press Ctrl+C to stop. Start success."
	}
	stop := opt.StopCommand
	if stop == "" {
		stop = program(snap) + " stop"
	}
	return fmt.Sprintf("Input %q to stop. Start success.", clean(stop))
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return clean(s)
}

// orWord is for names and addresses, where the manual writes the word.
func orWord(s string) string {
	if s == "" {
		return "none"
	}
	return clean(s)
}
