package supervisor

import (
	"errors"
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"
	"testing"
)

func TestResolveIdentityOfRoot(t *testing.T) {
	nobody := account(t, "nobody")
	daemon := group(t, "daemon")
	tests := []struct {
		name, user, group string
		uid, gid          uint32
		groups            []uint32
	}{
		{"user with primary group", "nobody", "", nobody.uid, nobody.gid, []uint32{nobody.gid}},
		{"user with another group", "nobody", "daemon", nobody.uid, daemon, []uint32{daemon}},
		{"own user with another group", "", "daemon", 0, daemon, []uint32{daemon}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := resolveFor(tt.user, tt.group, 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got.uid != tt.uid || got.gid != tt.gid || got.groups[0] != tt.gid {
				t.Errorf("identity %+v, want uid %d gid %d", got, tt.uid, tt.gid)
			}
			c := got.credential()
			if c.Uid != tt.uid || c.Gid != tt.gid || !slices.Equal(c.Groups, got.groups) {
				t.Errorf("credential %+v of %+v", c, got)
			}
			if tt.user != "" && !slices.Equal(got.groups, tt.groups) {
				t.Errorf("groups %v, want %v", got.groups, tt.groups)
			}
		})
	}
}

func TestIdentityHasAllGroups(t *testing.T) {
	root, err := user.LookupId("0")
	must(t, err)
	names, err := root.GroupIds()
	must(t, err)
	got, err := newIdentity(root, root.Gid)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if gid, _ := parseID(name); !slices.Contains(got.groups, gid) {
			t.Errorf("groups %v lack %s", got.groups, name)
		}
	}
	if len(got.groups) != len(names) {
		t.Errorf("groups %v, want each of %v once", got.groups, names)
	}
}

func TestResolveIdentityWithoutChange(t *testing.T) {
	nobody := account(t, "nobody")
	tests := []struct {
		name, user, group string
		euid, egid        int
	}{
		{"nothing asked", "", "", 1000, 1000},
		{"own user", "root", "", 0, 0},
		{"own user and group", "root", "root", 0, 0},
		{"own group", "", "root", 0, 0},
		{"own user without root", "nobody", "", int(nobody.uid), int(nobody.gid)},
		{"own user in another group of the process", "nobody", "", int(nobody.uid), 12345},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := resolveFor(tt.user, tt.group, tt.euid, tt.egid)
			if got != nil || err != nil {
				t.Errorf("identity %+v, %v, want nil, nil", got, err)
			}
			if got.credential() != nil {
				t.Error("credential of nothing to switch, want nil")
			}
		})
	}
}

func TestResolveIdentityRefuses(t *testing.T) {
	nobody := account(t, "nobody")
	uid, gid := int(nobody.uid), int(nobody.gid)
	tests := []struct {
		name, user, group string
		euid, egid        int
		want              string
	}{
		{"unknown user", "nobdy", "", 0, 0, `user "nobdy": no such user`},
		{"unknown user without root", "nobdy", "", uid, gid, `user "nobdy": no such user`},
		{"unknown group", "nobody", "nogrp", 0, 0, `group "nogrp": no such group`},
		{"user without root", "root", "", uid, gid, `user "root": only root can switch users`},
		{"group without root", "", "daemon", uid, gid,
			`group "daemon": only root can switch groups`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := resolveFor(tt.user, tt.group, tt.euid, tt.egid)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func TestResolveIdentityOfThisProcess(t *testing.T) {
	if got, err := resolveIdentity("", ""); got != nil || err != nil {
		t.Errorf("identity %+v, %v, want nil, nil", got, err)
	}
}

// account is an entry that every system has.
func account(t *testing.T, name string) identity {
	t.Helper()
	found, err := user.Lookup(name)
	if err != nil {
		t.Skipf("no account %s here", name)
	}
	uid, err := parseID(found.Uid)
	must(t, err)
	gid, err := parseID(found.Gid)
	must(t, err)
	return identity{user: name, uid: uid, gid: gid}
}

func group(t *testing.T, name string) uint32 {
	t.Helper()
	found, err := user.LookupGroup(name)
	if err != nil {
		t.Skipf("no group %s here", name)
	}
	gid, err := strconv.ParseUint(found.Gid, 10, 32)
	must(t, err)
	return uint32(gid)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// checkError wants an error of that text that wraps errno, unless that is 0.
func checkError(t *testing.T, err error, want string, errno syscall.Errno) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Fatalf("error %v\nwant  %s", err, want)
	}
	if errno != 0 && !errors.Is(err, errno) {
		t.Errorf("error %q does not wrap %q", err, errno)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root switches users")
	}
}
