package supervisor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/workerman-go/wm/ipc"
)

// installing asks for an upgrade to a binary of this content, which is to get the
// name of the service's; it waits for its copy.
func (w *world) installing(content string) (r *request) {
	w.t.Helper()
	path := w.s.cfg.Executable + "." + content
	w.write(path, content)
	r = &request{
		Request: ipc.Request{Command: ipc.CommandUpgrade}, out: make(chan ipc.Message, maxReplies),
	}
	r.upgrade, r.err = newUpgrade(path, w.s.cfg.Executable)
	w.s.onRequest(r)
	w.reconcile()
	pid := w.rehearsal()
	w.t.Cleanup(func() { delete(w.procs, pid) })
	w.s.onMessage(linkMessage{from: w.s.upgrade.child.link, m: &ipc.Adopted{}})
	w.s.reconcile()
	if len(w.s.away) != 1 {
		w.t.Fatalf("%d errands", len(w.s.away))
	}
	return r
}

// wantNoCopy reports when one is there, or the service's binary is another one.
func (w *world) wantNoCopy(content string) {
	w.t.Helper()
	left, err := filepath.Glob(filepath.Join(filepath.Dir(w.s.cfg.Executable), ".*"+copyMark+"*"))
	if err != nil || len(left) > 0 {
		w.t.Errorf("left %q, %v", left, err)
	}
	if text, err := os.ReadFile(w.s.cfg.Executable); string(text) != content {
		w.t.Errorf("%q has the name, %v", text, err)
	}
}

// A copy that comes too late for its upgrade is removed.
func TestCopyThatComesLateIsRemoved(t *testing.T) {
	for name, end := range map[string]func(*world, *request){
		"limit": func(w *world, r *request) {
			w.now = w.now.Add(verifyTimeout)
			w.s.reconcile()
			w.wantRefused(r, "could not be read and copied to "+w.s.cfg.Executable+" within 10s",
				"nothing was changed")
		},
		"stop": func(w *world, r *request) {
			w.s.leave(false)
			if got := result(r); got == nil || got.Text != stoppingText {
				w.t.Errorf("the upgrade ended with %+v", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.serve(spec("a"))
			before, err := os.ReadFile(w.s.cfg.Executable)
			must(t, err)
			r := w.installing("new")
			end(w, r)
			w.s.onErrand(<-w.s.errands)
			w.wantNoCopy(string(before))
		})
	}
}

// One that was made goes when the upgrade is refused behind it, and stays until then.
func TestCopyOfARefusedUpgradeIsRemoved(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	before, err := os.ReadFile(w.s.cfg.Executable)
	must(t, err)
	r := w.installing("new")
	w.s.onErrand(<-w.s.errands)
	u := w.s.upgrade
	if text, err := os.ReadFile(u.staged.path); string(text) != "new" {
		t.Fatalf("%q is the copy, %v", text, err)
	}
	w.s.refuseUpgrade(u, errStopped)
	w.wantRefused(r, "nothing was changed")
	w.wantNoCopy(string(before))
}

// What runs already is installed without a rehearsal, or not at all.
func TestUpgradeToWhatRunsIsOnlyInstalled(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	r := &request{
		Request: ipc.Request{Command: ipc.CommandUpgrade}, out: make(chan ipc.Message, maxReplies),
	}
	as := filepath.Join(w.s.cfg.Dir.Path, "nowhere", "wm")
	r.upgrade, r.err = newUpgrade(ownExecutable, as)
	w.s.onRequest(r)
	w.reconcile()
	w.wantRefused(r, "already runs this binary, but "+as+" could not become its binary",
		"nothing was changed")
}

// An image of before there were copies leaves none; the new one makes it.
func TestUpgradeOfAnImageThatMakesNoCopy(t *testing.T) {
	as := filepath.Join(t.TempDir(), "wm")
	u := &upgrade{install: as}
	must(t, u.installCopy())
	running, err := openGeneration(ownExecutable)
	must(t, err)
	defer running.close()
	if !running.isContentOf(as) {
		t.Error("it is no copy of what runs")
	}
	wantFiles(t, filepath.Dir(as), "wm")
}
