package cli

import (
	"fmt"
	"strconv"

	urfave "github.com/urfave/cli/v2"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
	"github.com/workerman-go/wm/statusfmt"
)

// historyLines is how many entries are shown when nobody says how many.
const historyLines = 20

func (in *invocation) historyCommand() *urfave.Command {
	return in.command("history", "list starts, reloads, upgrades and stops, and by whom",
		in.history,
		valued("n", "", "the newest `N` (default 20, 0 is all)"),
		wide(),
		toggle("json", "print JSON"))
}

// history reads the file itself: it tells most when nothing runs any more.
func (in *invocation) history(c *urfave.Context) int {
	n, err := countOf(c.String("n"), historyLines)
	if err != nil {
		in.complain("-n: %v", err)
		return ipc.CodeUsage
	}
	entries, damaged, err := rundir.ReadHistory(in.dir.History, n)
	if err != nil {
		return in.fail(err)
	}
	if c.Bool("json") {
		return in.written(statusfmt.HistoryJSON(in.stdout, entries, damaged))
	}
	in.say("history")
	return in.written(statusfmt.History(in.stdout, entries, damaged, tableOptions(in.stdout, c)))
}

// countOf reads a number that is not negative.
func countOf(text string, otherwise int) (int, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is no number of entries", text)
	}
	return n, nil
}
