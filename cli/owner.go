package cli

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// asOwner runs do with the owner's rights on files: what root does in somebody
// else's tree must not reach beyond it.
func (t *sourceTree) asOwner(do func() error) error {
	if t.owner == os.Geteuid() {
		return do()
	}
	_, gid, err := t.account()
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { // ends after do, and its thread with it: it is never unlocked
		runtime.LockOSThread()
		unix.Setfsgid(gid)
		unix.Setfsuid(t.owner)
		done <- do()
	}()
	return <-done
}

// actAsOwner makes cmd run as the owner of the tree, with that user's caches.
// Started by init or cron, even the owner itself may lack a home.
func (t *sourceTree) actAsOwner(cmd *exec.Cmd) error {
	mine := t.owner == os.Geteuid()
	if mine && os.Getenv("HOME") != "" {
		return nil
	}
	account, gid, err := t.account()
	if err != nil {
		return err
	}
	cmd.Env = append(cmd.Env, "HOME="+account.HomeDir, "USER="+account.Username)
	if !mine {
		cmd.Env = append(cmd.Env, "GOCACHE=", "GOPATH=", "GOMODCACHE=", "GOENV=")
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: uint32(t.owner), Gid: uint32(gid)},
		}
	}
	return nil
}

// account looks up the owner of the tree.
func (t *sourceTree) account() (*user.User, int, error) {
	account, err := user.LookupId(strconv.Itoa(t.owner))
	if err != nil {
		return nil, 0, fmt.Errorf("owner of %s: %w", t.root, err)
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return nil, 0, fmt.Errorf("owner of %s: group %q", t.root, account.Gid)
	}
	return account, gid, nil
}
