package child

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/worker"
)

func probeOf(apps ...string) ipc.Handover {
	return ipc.Handover{Role: ipc.RoleProbe, Apps: apps}
}

// declares expects what one app declares.
func (s *started) declares(app string) *ipc.Specs {
	s.t.Helper()
	if got := expect[*ipc.Announce](s).App; got != app {
		s.t.Errorf("announced %q, want %q", got, app)
	}
	specs := expect[*ipc.Specs](s)
	if specs.App != app {
		s.t.Errorf("specs of %q, want %q", specs.App, app)
	}
	return specs
}

// done expects the end of a probe.
func (s *started) done() {
	s.t.Helper()
	if got := expect[*ipc.Done](s); got.Version != worker.Version || got.Program != testProgram {
		s.t.Errorf("versions %+v, want wm %s and %s", got, worker.Version, testProgram)
	}
	s.exits(ipc.ExitDone)
}

func TestProbeTellsWhatTheAppsDeclare(t *testing.T) {
	s := begin(t, probeOf("names", "chat"))
	gateway := s.declares("chat/gateway")
	if want := (ipc.Settings{StopTimeout: 2 * time.Second}); gateway.Settings != want {
		t.Errorf("settings %+v, want %+v", gateway.Settings, want)
	}
	business := s.declares("chat/business")
	if want := (ipc.Settings{StopTimeout: 3 * time.Second}); business.Settings != want {
		t.Errorf("settings %+v, want %+v", business.Settings, want)
	}
	names := s.declares("names")
	if names.Settings != (ipc.Settings{}) {
		t.Errorf("settings %+v, want none", names.Settings)
	}
	var keys []string
	for _, specs := range []*ipc.Specs{gateway, business, names} {
		for _, spec := range specs.Specs {
			keys = append(keys, spec.Key)
		}
	}
	want := "chat/gateway/gateway chat/business/business " +
		"names/one names/2 names/3 names/4 names/5 names/6 names/bad"
	if got := strings.Join(keys, " "); got != want {
		t.Errorf("got keys %s, want %s", got, want)
	}
	s.done()
}

func TestProbeTellsEverythingOfAWorker(t *testing.T) {
	s := begin(t, probeOf("names", "echo"))
	echo := s.declares("echo").Specs[0]
	if !strings.HasSuffix(strings.Split(echo.Source, ":")[0], "echo_test.go") ||
		strings.HasPrefix(echo.Source, "/") {
		t.Errorf("source %q", echo.Source)
	}
	echo.Source = ""
	if want := (ipc.Spec{App: "echo", Key: "echo/echo", Name: "echo",
		Address: "text://127.0.0.1:0", Listen: "text://127.0.0.1:0", Transport: "tcp",
		Protocol: "text", Network: "tcp", Host: "127.0.0.1:0", Count: 1, Reloadable: true,
		Backlog: 102400, MaxProcs: 2, ReadyTimeout: 30 * time.Second}); !reflect.DeepEqual(echo, want) {
		t.Errorf("got  %+v\nwant %+v", echo, want)
	}
	names := s.declares("names").Specs
	bad := names[len(names)-1]
	if !strings.Contains(bad.Error, "nonsense") {
		t.Errorf("error %q does not name the scheme", bad.Error)
	}
	got := []any{bad.Count, bad.User, bad.Group, bad.Reloadable, bad.StopFirst, bad.MaxProcs,
		bad.ReadyTimeout, bad.StopTimeout}
	want := []any{1, "nobody", "nogroup", false, false, 3, time.Second, time.Minute}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if none := names[0]; none.Listen != "none" || none.Network != "" || !none.StopFirst {
		t.Errorf("without an address: %+v", none)
	}
	s.done()
}

func TestProbeRefusesUnknownApps(t *testing.T) {
	s := begin(t, probeOf("echo", "ecco"))
	failed := expect[*ipc.Failed](s)
	want := "unknown app ecco, there is echo, chat/gateway, chat/business, "
	if failed.Code != ipc.CodeFailed || !strings.HasPrefix(failed.Text, want) {
		t.Errorf("failed with %+v, want %q", failed, want)
	}
	s.exits(ipc.CodeFailed)
}

// A Start that adds timers is declared like any other.
func TestProbeTakesTimersOfStart(t *testing.T) {
	s := begin(t, probeOf("echo", "early"))
	s.declares("echo")
	if specs := s.declares("early").Specs; len(specs) != 1 {
		t.Errorf("specs %+v", specs)
	}
	s.done()
}

// Whatever a Start does, the master knows whose it was.
func TestProbeEndsWithABadStart(t *testing.T) {
	for app, want := range map[string]struct {
		status int
		words  string
	}{
		"panics": {2, "panic: no database in Start"},
		"exits":  {3, ""},
		"hangs":  {ipc.ExitOrphan, ""},
	} {
		t.Run(app, func(t *testing.T) {
			s := begin(t, probeOf("echo", app))
			s.declares("echo")
			if got := expect[*ipc.Announce](s).App; got != app {
				t.Errorf("announced %q, want %q", got, app)
			}
			if app == "hangs" {
				s.hangUp()
			} else if m, _, err := s.link.Recv(); !ipc.Gone(err) {
				t.Errorf("got %v, %v, want the end", m, err)
			}
			s.exits(want.status)
			if words := <-s.words; !strings.Contains(words, want.words) {
				t.Errorf("last words %q, want %q", words, want.words)
			}
		})
	}
}

func TestProbeOfAMainProgram(t *testing.T) {
	s := begin(t, probeOf("echo", "main"), mainProgramVariable+"=1")
	want := ipc.Settings{PidFile: "embedded.pid"}
	if got := expect[*ipc.Specs](s); got.Settings != want || len(got.Specs) != 0 {
		t.Errorf("main program: %+v, want settings %+v", got, want)
	}
	specs := s.declares("main").Specs
	if len(specs) != 2 || specs[0].Key != "main/embedded" || specs[1].Key != "main/2" {
		t.Errorf("specs %+v", specs)
	}
	if got := s.declares("echo").Settings; got != (ipc.Settings{}) {
		t.Errorf("settings of echo %+v, want none", got)
	}
	s.done()
}

func TestProbeWithoutTheMainProgramsWorkers(t *testing.T) {
	s := begin(t, probeOf("echo"), mainProgramVariable+"=1")
	expect[*ipc.Specs](s)
	s.declares("echo")
	s.done()
}
