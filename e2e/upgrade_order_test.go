package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// flagMore says that the message goes on in the next record.
const flagMore = 1

// Upgrades at once are done one after the other: each command hears of its own
// binary, and what was asked for last is what runs.
func TestUpgradesInOrder(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	broken := filepath.Join(t.TempDir(), "broken")
	if err := truncated(labNext.binary(t), broken); err != nil {
		t.Fatal(err)
	}
	next := labNext.binary(t)
	version := map[string]string{built.lab: labVersion, next: otherVersion}
	for _, order := range [][]string{
		{built.lab, next, broken}, {built.lab, broken, next}, {next, built.lab, broken},
		{next, broken, built.lab}, {broken, built.lab, next}, {broken, next, built.lab},
	} {
		ends := make(chan *command, len(order))
		asked := map[*command]string{}
		for _, binary := range order {
			c := u.begin(nil, "upgrade", "--binary", binary)
			asked[c] = binary
			go func() { // ends with the command
				<-c.done
				ends <- c
			}()
		}
		last := ""
		for range order {
			c := <-ends
			binary := asked[c]
			if binary == broken {
				u.wait(c).wantCode(1).wantText(broken, "nothing was changed")
				continue
			}
			last = version[binary]
			if r := u.wait(c).wantCode(0); !strings.Contains(r.out, "already runs this binary") {
				r.wantText("-> " + last)
			}
		}
		u.wantVersion(last)
		u.wantSameLives(0)
	}
	u.wantClients()
	u.wantWorking()
}

// Who has connected and says nothing, or half of what it wants, holds nobody up.
func TestSilentCallersDuringAnUpgrade(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	next := labNext.binary(t) // its build may take longer than the master waits for a request
	u.dialControl()
	up := u.begin(nil, "upgrade", "--binary", next)
	u.statusUntil(up)
	u.wait(up).wantCode(0).wantText("upgrade success")
	u.dialControl()
	half := u.dialControl()
	half.send(t, record(1, typeRequest, flagMore, `{"command":`))
	u.wait(u.begin(nil, "upgrade", "--binary", built.lab)).wantCode(0)
	half.send(t, record(1, typeRequest, 0, `"ping"}`))
	if _, text := half.answers(t); !strings.Contains(text, `"code":0`) {
		t.Errorf("the one that had said half was answered %s", text)
	}
	u.wantClients()
}

// statusUntil asks for the status again and again until a command has ended.
func (u *upgradable) statusUntil(c *command) {
	u.t.Helper()
	for {
		u.run("status").wantCode(0)
		select {
		case <-c.done:
			return
		default:
		}
	}
}

// While a binary is read for somebody, for as long as that takes, the master
// answers; the upgrade says who holds it up, and is done when that has ended.
func TestSlowBinaryDuringAnUpgrade(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, 1<<40); err != nil { // nothing but a hole: hours to read
		t.Fatal(err)
	}
	slow := u.begin(nil, "upgrade", "--binary", big)
	waitFor(t, eventLimit, "the big file is read", func() bool {
		return hasOpen(u.before.MasterPID, big)
	})
	up := u.begin(nil, "upgrade", "--binary", labNext.binary(t))
	told := fmt.Sprintf("%s is being read for pid %d of uid %d",
		big, slow.cmd.Process.Pid, os.Getuid())
	for !strings.Contains(up.both.String(), told) {
		u.run("status").wantCode(0)
		select {
		case <-up.done:
			t.Fatalf("the upgrade has ended:\n%s", up.both.String())
		default:
		}
	}
	for range 5 { // also in the pauses
		u.run("status").wantCode(0)
	}
	u.wantVersion(labVersion)
	if err := os.Truncate(big, 0); err != nil {
		t.Fatal(err)
	}
	u.wait(up).wantCode(0).wantText("upgrade success")
	u.wait(slow).wantCode(1).wantText(big)
	u.wantVersion(otherVersion)
	u.wantClients()
}

// hasOpen tells whether a process has a file open.
func hasOpen(pid int, path string) bool {
	all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, fd := range all {
		if to, err := os.Readlink(fd); err == nil && to == path {
			return true
		}
	}
	return false
}
