package statusfmt

import (
	"bytes"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// However narrow the terminal is: a line of a table is never wider, down to what
// cannot be left out, and all that is missing is named.
func TestTablesFitTheTerminal(t *testing.T) {
	snap := narrowSnapshot()
	var whole bytes.Buffer
	if err := Status(&whole, snap, Options{}); err != nil {
		t.Fatal(err)
	}
	for width := 50; width <= 200; width++ {
		var out bytes.Buffer
		if err := Status(&out, snap, Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		if w := widest(strings.Split(out.String(), "\n")...); w > width {
			t.Errorf("%d columns wide on a terminal of %d:\n%s", w, width, &out)
		}
		for _, c := range processColumns {
			if !strings.Contains(out.String(), c.head) {
				t.Errorf("%d columns: %s is neither shown nor named:\n%s", width, c.head, &out)
			}
		}
		complete := width >= widest(strings.Split(whole.String(), "\n")...)
		if complete != (out.String() == whole.String()) {
			t.Errorf("%d columns: complete is %v:\n%s", width, !complete, &out)
		}
	}
}

func narrowSnapshot() *ipc.Snapshot {
	now := time.Unix(1_800_000_000, 0)
	snap := &ipc.Snapshot{Mode: "DAEMON", Taken: now, Started: now, Workers: []ipc.WorkerRow{
		{Key: "shop/api", Name: "api"},
	}}
	for i := range 3 {
		snap.Processes = append(snap.Processes, ipc.ProcessRow{
			Key: "shop/api", Worker: "the public api of the whole shop, all of it",
			Listen: "http://127.0.0.1:18001", PID: 4711 + i, State: "running", Memory: 1 << 24,
			Started: now, Generation: 7,
		})
		snap.Processes[i].TotalRequest = 1 << 40
	}
	return snap
}

// What went wrong is shown where a column that says nothing can go in its place.
func TestFailuresStayOnANarrowTerminal(t *testing.T) {
	snap := narrowSnapshot()
	for i := range snap.Processes {
		snap.Processes[i].Worker = "api"
	}
	snap.Processes[1].SendFail, snap.Processes[1].ThrowException = 3, 5
	var out bytes.Buffer
	if err := Status(&out, snap, Options{Width: 80}); err != nil {
		t.Fatal(err)
	}
	head := out.String()[strings.Index(out.String(), "    pid"):]
	head, _, _ = strings.Cut(head, "\n")
	for _, name := range []string{"send_fail", "throw_exception", "connections", "status"} {
		if !strings.Contains(head, name) {
			t.Errorf("no %s in %q", name, head)
		}
	}
	if strings.Contains(head, "timers") {
		t.Errorf("timers, which says nothing, in %q", head)
	}
}

func TestCutCellsKeepBothEnds(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"http://127.0.0.1:80", 19, "http://127.0.0.1:80"},
		{"http://127.0.0.1:80", 12, "http:...1:80"},
		{"聊天室服务器在这里", 12, "聊天室..这里"},
	} {
		got := shortenMiddle(c.text, c.limit)
		if got != c.want || display(got) > c.limit {
			t.Errorf("%s in %d: %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}

// Words are kept whole and in order, and colours take no room.
func TestProseWrapsBetweenWords(t *testing.T) {
	words := strings.Fields(strings.Repeat("all that is said stays ", 20))
	for range 50 {
		p := newPage(Options{Width: 20 + rand.Intn(60), Colour: true})
		text := "  " + p.paint(red, "error") + " " + strings.Join(words, " ")
		p.prose(text)
		lines := strings.Split(strings.TrimSuffix(p.String(), "\n"), "\n")
		if w := widest(lines...); w > p.opt.Width {
			t.Errorf("%d columns on a terminal of %d", w, p.opt.Width)
		}
		if !slices.Equal(strings.Fields(p.String()), strings.Fields(text)) {
			t.Errorf("said otherwise: %s", p)
		}
		if !strings.HasPrefix(lines[1], fmt.Sprintf("%6s", "")) {
			t.Errorf("the second line is %q", lines[1])
		}
	}
}
