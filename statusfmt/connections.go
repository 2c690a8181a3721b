package statusfmt

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/workerman-go/wm/ipc"
)

const (
	maxWorkerColumns   = 14
	maxProtocolColumns = 15
)

var connectionColumns = []column{
	{"PID", left}, {"Worker", left}, {"CID", left}, {"Trans", left}, {"Protocol", left},
	{"ipv4", left}, {"ipv6", left}, {"Recv-Q", right}, {"Send-Q", right},
	{"Bytes-R", right}, {"Bytes-W", right}, {"Status", left},
	{"Local Address", left}, {"Foreign Address", left},
}

// connectionGiving keeps who is connected to whom, and how that is.
var connectionGiving = giving{
	leave: []string{
		"ipv6", "ipv4", "Trans", "Local Address", "CID", "Protocol", "Bytes-R", "Bytes-W",
		"Recv-Q", "Send-Q",
	},
	cut: []string{"Foreign Address", "Local Address", "Worker"},
}

// Connections writes the page of wm connections, ordered by pid and
// connection id, with a line below for each process that did not list all of
// its own. Called by the command line with all pieces of the answer.
func Connections(w io.Writer, rows []ipc.ConnectionRow, unlisted []ipc.UnlistedRow,
	opt Options) error {
	cells := make([][]string, 0, len(rows))
	for _, r := range byProcess(rows) {
		cells = append(cells, connectionCells(r))
	}
	drawn, err := fit(connectionColumns, cells, 2, opt.Width, connectionGiving)
	if err != nil {
		return err
	}
	p := newPage(opt, drawn.lines...)
	p.ruler(" WM CONNECTION STATUS ")
	for _, l := range drawn.lines {
		p.line("%s", l)
	}
	for _, u := range unlisted {
		p.prose(unlistedNote(u))
	}
	p.missing(drawn)
	_, err = w.Write(p.Bytes())
	return err
}

// unlistedNote tells which process left connections out, and why.
func unlistedNote(u ipc.UnlistedRow) string {
	why := "busy " + since(u.Busy) + " in a callback"
	if !u.Answered {
		why = "no answer for " + since(u.Silent)
	}
	what := fmt.Sprintf("its %d connections are not listed", u.Connections)
	switch {
	case u.Listed > 0:
		what = fmt.Sprintf("only %d of its connections are listed", u.Listed)
	case u.Connections == 1:
		what = "its connection is not listed"
	case u.Connections <= 0:
		what = "its connections are not listed"
	}
	return fmt.Sprintf("pid %d %s/%d: %s, %s", u.PID, orWord(u.Worker), u.Slot, why, what)
}

func byProcess(rows []ipc.ConnectionRow) []ipc.ConnectionRow {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b ipc.ConnectionRow) int {
		return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.ID, b.ID))
	})
	return rows
}

func connectionCells(r ipc.ConnectionRow) []string {
	protocol := r.Protocol
	if protocol == "" {
		protocol = r.Trans
	}
	return []string{
		strconv.Itoa(r.PID), shorten(orWord(r.Worker), maxWorkerColumns),
		strconv.FormatUint(r.ID, 10), orNone(r.Trans), shorten(orNone(protocol), maxProtocolColumns),
		oneIf(r.IPv4), oneIf(r.IPv6),
		size(uint64(max(r.RecvQ, 0))), size(uint64(max(r.SendQ, 0))), size(r.BytesR), size(r.BytesW),
		orNone(r.Status), orNone(r.Local), orNone(r.Foreign),
	}
}

func oneIf(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
