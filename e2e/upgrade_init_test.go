package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// labEarly is labNext with a package of the author's whose init hangs when a
// test wants it, see testdata/early.
var labEarly = &variant{name: "early", mark: "early", sources: earlySources}

func earlySources(dir string) (map[string]string, error) {
	replaced, err := otherSelf(dir)
	if err != nil {
		return nil, err
	}
	early, err := filepath.Abs("testdata/early/early.go")
	if err != nil {
		return nil, err
	}
	importer := filepath.Join(dir, "importer.go")
	text := "package web\n\nimport _ \"" + modulePath + "/apps/web/early\"\n"
	replaced[filepath.Join(built.tree, "apps", "web", "early", "early.go")] = early
	replaced[filepath.Join(built.tree, "apps", "web", "importer.go")] = importer
	return replaced, os.WriteFile(importer, []byte(text), 0o644)
}

// The init of a package that hangs in earnest, and did not in the rehearsal: the
// old image is back as after any other failure.
func TestInitThatHangsIsTakenBack(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"hang", "spin"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			u := newUpgradable(t, built.lab)
			before := len(descriptors(u.before.MasterPID))
			write(t, u.evil, "early "+action)
			r := u.run("upgrade", "--binary", labEarly.binary(t))
			r.wantText("the new image failed").wantText("in the init of a package")
			r.wantText("the old image is back, nothing was changed")
			u.run("status").wantCode(0)
			wantClosedOnExec(t, u.before.MasterPID)
			if after := len(descriptors(u.before.MasterPID)); after > before+4 {
				t.Errorf("the master has %d descriptors, it had %d: %v",
					after, before, descriptors(u.before.MasterPID))
			}
			upgradeRefused(t, u, r)
			if !missing(u.evil) {
				t.Error("the init never came")
			}
		})
	}
}

// What comes while an init hangs is done by the old image: a status is answered,
// a process that died is replaced, a signal is not lost. The master is who it was.
func TestServiceGoesOnAfterAnInitThatHangs(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	line := title(u.before.MasterPID)
	write(t, u.evil, "early hang")
	up := u.begin(nil, "upgrade", "--binary", labEarly.binary(t))
	waitFor(t, eventLimit, "the init", func() bool { return missing(u.evil) })
	status := u.begin(nil, "status")
	u.clients.stop() // the next one may lose a request
	kill(t, u.before.pidsOf("web")[0], unix.SIGKILL)
	kill(t, u.before.MasterPID, unix.SIGUSR1)
	u.wait(up).wantCode(1).wantText("the old image is back")
	u.wait(status).wantCode(0)
	snap := u.waitSnapshot("the reload that the signal asked for", func(snap snapshot) bool {
		return snap.Generation == u.before.Generation+1 && snap.whole("web", 2) == nil
	})
	if n := snap.exitCount("web", 9); n != 1 {
		t.Errorf("%d killed processes in the exit table, want 1", n)
	}
	if snap.MasterPID != u.before.MasterPID || snap.Version != u.before.Version {
		t.Errorf("the master is %d, wm %s", snap.MasterPID, snap.Version)
	}
	if now := title(snap.MasterPID); now != line {
		t.Errorf("the command line of the master is %q, it was %q", now, line)
	}
}
