package supervisor

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/workerman-go/wm/ipc"
)

var update = flag.Bool("update", false, "write the state of a version that has no golden file yet")

// stateFile has the state of a master that TestStateSurvivesTheAdoption takes
// over, as a version has written it. A file that is there is never written again:
// masters of that version leave such states.
func stateFile(version int) string {
	return filepath.Join("..", "testdata", "ipc", fmt.Sprintf("state-%d-full.golden", version))
}

// stateHeader is in front of the body, see ipc/spec.md.
const stateHeader = 52

// A state of each version that is read is adopted with all that is in it: a
// rehearsal builds the master of it, and what that would leave is the same.
func TestStatesOfOtherMastersAreAdopted(t *testing.T) {
	writeStateFile(t)
	for version := max(1, ipc.StateVersion-1); version <= ipc.StateVersion; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			text, err := os.ReadFile(stateFile(version))
			must(t, err)
			st, err := ipc.DecodeState(text)
			must(t, err)
			if version == ipc.StateVersion {
				wantNoFieldLost(t, text[stateHeader:])
			}
			w := newWorld(t)
			w.now = w.now.UTC() // as JSON reads it
			w.s.cfg.WM = st.WM  // which a state begins with
			w.provide(st)
			next := newSupervisor(w.s.cfg, w.s.sys)
			_, err = next.restore(st, true)
			must(t, err)
			t.Cleanup(func() { letGo(next) })
			must(t, next.openLog())
			got, want := masked(next.save(true)), masked(st)
			if !slices.Equal(got, want) {
				t.Errorf("%d fields are adopted of %d", len(got), len(want))
			}
			for i, line := range want {
				if i >= len(got) || got[i] != line {
					t.Fatalf("adopted is %q, want %q", got[min(i, len(got)-1)], line)
				}
			}
		})
	}
}

// writeStateFile makes the file of the present version, if there is none.
func writeStateFile(t *testing.T) {
	t.Helper()
	path := stateFile(ipc.StateVersion)
	if _, err := os.Stat(path); !*update || err == nil {
		return
	}
	w := full(t)
	w.still()
	body, err := json.Marshal(w.s.save(true))
	must(t, err)
	body = bytes.ReplaceAll(body, []byte(w.s.cfg.Dir.Path), []byte("/srv/shop"))
	st := new(ipc.State)
	must(t, json.Unmarshal(body, st))
	text, err := st.Encode()
	must(t, err)
	must(t, os.WriteFile(path, text, 0o644))
}

// wantNoFieldLost reports a field of the file that is not one of ipc.State any
// more: it was removed or has another name, and needs another version.
func wantNoFieldLost(t *testing.T, body []byte) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(new(ipc.State)); err != nil {
		t.Errorf("what masters of this version leave: %v", err)
	}
}

// provide gives a state descriptors of this process for those of its own.
func (w *world) provide(st *ipc.State) {
	w.t.Helper()
	st.Lock = w.descriptor()
	for i := range st.Inherited {
		st.Inherited[i] = w.descriptor()
	}
	any := func(fd *int) {
		if *fd >= 0 {
			*fd = w.descriptor()
		}
	}
	for i := range st.Generations {
		any(&st.Generations[i].FD)
	}
	for i := range st.Listeners {
		any(&st.Listeners[i].FD)
		if f := st.Listeners[i].File; f != nil {
			any(&f.Dir)
			any(&f.Own)
		}
	}
	for i := range st.Processes {
		p := &st.Processes[i]
		w.provideLink(&p.Link)
		w.providePipe(&p.Words)
	}
	for i := range st.Words {
		w.providePipe(&st.Words[i])
	}
	if st.Watcher != nil {
		w.provideLink(&st.Watcher.Link)
		w.providePipe(&st.Watcher.Words)
	}
	for i := range st.Control.Callers {
		st.Control.Callers[i].FD = w.socket()
	}
	ln, err := ipc.ListenControl(filepath.Join(w.t.TempDir(), "wm.sock"))
	must(w.t, err)
	st.Control.FD = ipc.DescriptorOf(ln)
	w.t.Cleanup(func() { ln.Close() })
}

func (w *world) provideLink(row *ipc.LinkState) {
	if row.FD < 0 {
		return
	}
	row.FD = w.socket()
	for i := range row.Out {
		if row.Out[i].FD >= 0 {
			row.Out[i].FD = w.descriptor()
		}
	}
}

// socket is one end of a link.
func (w *world) socket() int {
	w.t.Helper()
	conn, theirs, err := ipc.Pair()
	must(w.t, err)
	w.t.Cleanup(func() { conn.Close() })
	return theirs
}

func (w *world) providePipe(row *ipc.WordsState) {
	if row.FD < 0 {
		return
	}
	read, write, err := os.Pipe()
	must(w.t, err)
	w.t.Cleanup(func() { write.Close() })
	w.t.Cleanup(func() { read.Close() })
	row.FD = ipc.DescriptorOf(read)
}

// What a newer master of the same version has besides is left aside, wherever it
// is, and what an older one has not is empty.
func TestStateWithOtherFieldsIsAdopted(t *testing.T) {
	text, err := os.ReadFile(stateFile(ipc.StateVersion))
	must(t, err)
	old, err := ipc.DecodeState(text)
	must(t, err)
	body := string(text[stateHeader:])
	more := strings.ReplaceAll(body, `"started":`, `"later":{"x":[1,{"y":null}]},"started":`)
	if more == body {
		t.Fatal("no place for another field")
	}
	st := new(ipc.State)
	must(t, json.Unmarshal([]byte(more), st))
	if got, want := masked(st), masked(old); !slices.Equal(got, want) {
		t.Errorf("other fields change what is read")
	}
}
