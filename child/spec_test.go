package child

import (
	"slices"
	"strings"
	"testing"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/worker"
)

func TestKeysAreUniqueAndStable(t *testing.T) {
	cases := map[string]struct{ names, want []string }{
		"nothing":  {nil, []string{}},
		"named":    {[]string{"web", "api"}, []string{"a/web", "a/api"}},
		"unnamed":  {[]string{"none", "none"}, []string{"a/1", "a/2"}},
		"empty":    {[]string{""}, []string{"a/1"}},
		"one none": {[]string{"web", "none"}, []string{"a/web", "a/2"}},
		"repeated": {[]string{"web", "api", "web"}, []string{"a/1", "a/api", "a/3"}},
		"ordinal":  {[]string{"2", "none"}, []string{"a/1", "a/2"}},
		"slash":    {[]string{"gateway/1", "x"}, []string{"a/1", "a/x"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			specs := make([]ipc.Spec, len(tc.names))
			for i, name := range tc.names {
				specs[i].Name = name
			}
			if got := keys("a", specs); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestChooseByAppOrRole(t *testing.T) {
	var apps []worker.App
	for _, name := range []string{"chat/gateway", "chat/business", "chatter", "hello"} {
		apps = append(apps, worker.App{Name: name, Start: func() {}})
	}
	cases := map[string]struct {
		only []string
		want string
		err  string
	}{
		"all":           {nil, "chat/gateway, chat/business, chatter, hello", ""},
		"app":           {[]string{"hello"}, "hello", ""},
		"all roles":     {[]string{"chat"}, "chat/gateway, chat/business", ""},
		"one role":      {[]string{"chat/business"}, "chat/business", ""},
		"own order":     {[]string{"hello", "chat/gateway"}, "chat/gateway, hello", ""},
		"unknown":       {[]string{"hello", "hallo"}, "", "unknown app hallo, there is chat/gateway, "},
		"no prefix":     {[]string{"chatt"}, "", "unknown app chatt"},
		"unknown role":  {[]string{"chat/register"}, "", "unknown app chat/register"},
		"role of a not": {[]string{"hello/x"}, "", "unknown app hello/x"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := choose(apps, tc.only)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got %v, want an error with %q", err, tc.err)
				}
				return
			}
			if err != nil || names(got) != tc.want {
				t.Errorf("got %q, %v, want %q", names(got), err, tc.want)
			}
		})
	}
}

func TestNamesOfAppsMustBeUnique(t *testing.T) {
	start := func() {}
	for name, apps := range map[string][]worker.App{
		"two apps are called chat": {
			{Name: "chat", Start: start}, {Name: "chat", Start: start}},
		"app main: the name belongs to the main program": {{Name: "main", Start: start}},
	} {
		if _, err := choose(apps, nil); err == nil || err.Error() != name {
			t.Errorf("got %v, want %q", err, name)
		}
	}
}

func TestSettingsOfTheMasterOnly(t *testing.T) {
	got := settings(worker.SettingsValues{Daemonize: true, PidFile: "p", LogFile: "l",
		StdoutFile: "s", StopTimeout: 5, MaxSendBufferSize: 7, MaxPackageSize: 8})
	want := ipc.Settings{Daemonize: true, PidFile: "p", LogFile: "l", StdoutFile: "s",
		StopTimeout: 5}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
