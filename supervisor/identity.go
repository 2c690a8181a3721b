package supervisor

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// identity is the user a worker process is to run as, resolved before it is
// spawned: reading the account files may fail, and the new process must not.
type identity struct {
	user     string
	uid, gid uint32
	groups   []uint32 // all of them, gid included
}

// credential is for SysProcAttr; nil for a nil identity.
func (i *identity) credential() *syscall.Credential {
	if i == nil {
		return nil
	}
	return &syscall.Credential{Uid: i.uid, Gid: i.gid, Groups: i.groups}
}

// resolveIdentity looks up a Worker's User and Group. Empty ones mean the
// master's user and the user's primary group. It returns nil when nothing is
// to be switched.
func resolveIdentity(userName, groupName string) (*identity, error) {
	return resolveFor(userName, groupName, os.Geteuid(), os.Getegid())
}

// resolveFor is resolveIdentity for a master of the given user and group.
func resolveFor(userName, groupName string, euid, egid int) (*identity, error) {
	if userName == "" && groupName == "" {
		return nil, nil
	}
	account, err := lookupUser(userName, euid)
	if err != nil {
		return nil, err
	}
	gid, err := lookupGroup(groupName, account, egid, euid)
	if err != nil {
		return nil, err
	}
	switch uid := strconv.Itoa(euid); {
	case account.Uid == uid && gid == strconv.Itoa(egid):
		return nil, nil
	case euid == 0:
	case account.Uid != uid:
		return nil, fmt.Errorf("user %q: only root can switch users", userName)
	default:
		return nil, fmt.Errorf("group %q: only root can switch groups", groupName)
	}
	return newIdentity(account, gid)
}

func lookupUser(name string, euid int) (*user.User, error) {
	if name == "" {
		account, err := user.LookupId(strconv.Itoa(euid))
		if err != nil {
			return nil, fmt.Errorf("user of this process: %w", err)
		}
		return account, nil
	}
	account, err := user.Lookup(name)
	var unknown user.UnknownUserError
	if errors.As(err, &unknown) {
		return nil, fmt.Errorf("user %q: no such user", name)
	}
	if err != nil {
		return nil, fmt.Errorf("user %q: %w", name, err)
	}
	return account, nil
}

// lookupGroup returns the gid of the group name. Without a name it is the
// account's, except that the master's own user keeps the group it has.
func lookupGroup(name string, account *user.User, egid, euid int) (string, error) {
	if name == "" {
		if account.Uid == strconv.Itoa(euid) {
			return strconv.Itoa(egid), nil
		}
		return account.Gid, nil
	}
	group, err := user.LookupGroup(name)
	var unknown user.UnknownGroupError
	if errors.As(err, &unknown) {
		return "", fmt.Errorf("group %q: no such group", name)
	}
	if err != nil {
		return "", fmt.Errorf("group %q: %w", name, err)
	}
	return group.Gid, nil
}

// newIdentity lists gid and the groups the account is a member of, as
// initgroups(3) does: a Worker's Group takes the place of the primary one.
func newIdentity(account *user.User, gid string) (*identity, error) {
	names, err := account.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("groups of user %q: %w", account.Username, err)
	}
	if gid != account.Gid {
		names = slices.DeleteFunc(names, func(g string) bool { return g == account.Gid })
	}
	id := &identity{user: account.Username}
	if id.uid, err = parseID(account.Uid); err != nil {
		return nil, err
	}
	if id.gid, err = parseID(gid); err != nil {
		return nil, err
	}
	id.groups = []uint32{id.gid}
	for _, name := range names {
		g, err := parseID(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(id.groups, g) {
			id.groups = append(id.groups, g)
		}
	}
	return id, nil
}

func parseID(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("id %q is no number", text)
	}
	return uint32(n), nil
}

// asUser runs fn with the access to files that id has; the master's own for
// nil. What a worker process asks the master to open must be nothing that it
// could not open itself.
func asUser(id *identity, fn func()) {
	if id == nil || os.Geteuid() != 0 {
		fn()
		return
	}
	onThreadThatEnds(func() {
		// Of this thread alone, and only root gets here: none can fail.
		unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(id.groups)),
			uintptr(unsafe.Pointer(unsafe.SliceData(id.groups))), 0)
		unix.Setfsgid(int(id.gid))
		unix.Setfsuid(int(id.uid))
		fn()
	})
}
