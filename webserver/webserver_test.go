package webserver

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

// slowly is an OnWorkerStart that takes openat2 away.
func slowly(s *WebServer, slow bool) func(*worker.Worker) error {
	return func(*worker.Worker) (err error) {
		if f := s.sites[0].source.(*folder); slow {
			err = f.useRoot(f.dir.Name())
		}
		return err
	}
}

// declared is what start would say of a WebServer.
func declared(change func(s *WebServer)) worker.Declaration {
	var s *WebServer
	app := worker.App{Name: "web", Dir: "/apps/web", Start: func() {
		s = New("http://0.0.0.0:8080")
		change(s)
	}}
	_, undo := worker.Rehearse(app)
	defer undo()
	return s.Declaration()
}

func TestStartRefusesWhatCannotServe(t *testing.T) {
	good := t.TempDir()
	file := filepath.Join(files(t, small), "a.txt")
	for name, tt := range map[string]struct {
		change func(s *WebServer)
		want   string
	}{
		"no root":       {func(s *WebServer) {}, "no root: call AddRoot or AddFS"},
		"only an entry": {func(s *WebServer) { s.AddEntry("", http.NotFoundHandler()) }, "no root"},
		"missing directory": {func(s *WebServer) { s.AddRoot("a", "/none/such") },
			`AddRoot("a", "/none/such"): stat /none/such: no such file`},
		"of the app": {func(s *WebServer) { s.AddRoot("a", "web") },
			`AddRoot("a", "web"): stat /apps/web/web: no such file`},
		"a file":   {func(s *WebServer) { s.AddRoot("", file) }, "is no directory"},
		"no name":  {func(s *WebServer) { s.AddRoot("", "") }, `AddRoot("", ""): no directory`},
		"no files": {func(s *WebServer) { s.AddFS("a", nil) }, `AddFS("a"): no files`},
		"two roots": {func(s *WebServer) {
			s.AddRoot("Example.com", good)
			s.AddFS("example.COM:80", fstest.MapFS{})
		}, `AddFS("example.COM:80"): the host has AddRoot("Example.com", `},
		"two entries": {func(s *WebServer) {
			s.AddRoot("", good)
			s.AddEntry("a", http.NotFoundHandler())
			s.AddEntry("A:80", http.NotFoundHandler())
		}, `AddEntry("A:80"): the host has an entry already`},
		"OnRequest": {func(s *WebServer) {
			s.AddRoot("", good)
			s.OnRequest = func(*worker.Connection, *http1.Request) {}
		}, "OnRequest is set, but a WebServer answers requests itself"},
		"OnMessage": {func(s *WebServer) {
			s.AddRoot("", good)
			s.OnMessage = func(*worker.Connection, []byte) {}
		}, "OnMessage is set"},
		"Handler": {func(s *WebServer) {
			s.AddRoot("", good)
			s.Handler = http.NotFoundHandler()
		}, "Handler is set"},
		"index": {func(s *WebServer) {
			s.AddRoot("", good)
			s.Index = []string{"../index.html"}
		}, `"../index.html" is not`},
		"404": {func(s *WebServer) {
			s.AddRoot("", good)
			s.NotFound = "/../404.html"
		}, `"../404.html" is not`},
		"another protocol": {func(s *WebServer) {
			s.AddRoot("", good)
			s.Protocol = text.Protocol
		}, "Protocol is set"},
	} {
		t.Run(name, func(t *testing.T) {
			got := declared(tt.change).Err
			if !strings.HasPrefix(got, "http://0.0.0.0:8080: ") || !strings.Contains(got, tt.want) {
				t.Errorf("Err = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	d := declared(func(s *WebServer) { s.AddRoot("", t.TempDir()) })
	if d.Err != "" || d.Name != "WebServer" || d.Protocol != "http" || d.Count != 1 {
		t.Errorf("declared %+v", d)
	}
}

func TestProtocolIsHTTPWhateverTheAddressSays(t *testing.T) {
	addr := wmtest.Run(t, func() {
		New("tcp://127.0.0.1:80").AddRoot("", files(t, small))
	}).Addr("WebServer")
	get(t, addr, "/a.txt").want(t, 200, "text")
}

func TestRootsAreBelowTheFolderOfTheApp(t *testing.T) {
	addr := serve(t, func(s *WebServer) { s.AddRoot("", ".") })
	want, err := os.ReadFile("path.go")
	must(t, err)
	get(t, addr, "/path.go").want(t, 200, string(want))
}

func TestOnWorkerStartAndStopAreTheAuthors(t *testing.T) {
	var order []string
	t.Run("serve", func(t *testing.T) {
		s := wmtest.Run(t, func() {
			s := New("http://127.0.0.1:80")
			s.AddRoot("", files(t, small))
			s.OnWorkerStart = func(w *worker.Worker) error {
				if w != s.Worker {
					t.Error("another Worker")
				}
				order = append(order, "start")
				return nil
			}
			s.OnWorkerStop = func(*worker.Worker) { order = append(order, "stop") }
		})
		get(t, s.Addr("WebServer"), "/a.txt").want(t, 200, "text")
	})
	if got := strings.Join(order, " "); got != "start stop" {
		t.Errorf("ran %q", got)
	}
}

func TestTwoServersOfOneApp(t *testing.T) {
	s := wmtest.Run(t, func() {
		one, two := New("http://127.0.0.1:80"), New("http://127.0.0.1:81")
		one.Name, two.Name = "one", "two"
		one.AddRoot("", files(t, map[string]string{"index.html": "1"}))
		two.AddRoot("", files(t, map[string]string{"index.html": "2"}))
	})
	get(t, s.Addr("one"), "/").want(t, 200, "1")
	get(t, s.Addr("two"), "/").want(t, 200, "2")
}

// forgiving is for tests of what fails a test.
type forgiving struct{ testing.TB }

func (f forgiving) Errorf(format string, a ...any) { f.Logf(format, a...) }

func TestRootsOfARunningProcessAreRefused(t *testing.T) {
	web := New("http://127.0.0.1:80")
	web.serving = true
	defer func() {
		if r, _ := recover().(string); !strings.Contains(r, "it is for Start") {
			t.Errorf("panic %q", r)
		}
	}()
	web.AddRoot("", t.TempDir())
}
