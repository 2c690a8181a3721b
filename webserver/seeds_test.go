package webserver_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/webserver"
	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

// The manual's chapter on WebServer: a root for a domain, index.php for what is no
// file, and callbacks for what is made once.
func TestSeedWebServer(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "about.html"), []byte("about us"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("visit", func(t *testing.T) {
		var visits int // what lives as long as the process
		s := wmtest.Run(t, func() {
			web := webserver.New("http://0.0.0.0:8080")
			web.AddRoot("www.example.com", root)
			web.Count = 4
			web.AddEntryFunc("www.example.com", func(c *worker.Connection, r *http1.Request) {
				visits++
				c.Send(map[string]any{"path": r.Path(), "a": r.Get("a"), "visits": visits})
			})
			web.OnWorkerStart = func(*worker.Worker) error { visits = 10; return nil }
			web.OnWorkerStop = func(*worker.Worker) {
				_ = os.WriteFile(filepath.Join(root, "saved"), []byte("at the end"), 0o600)
			}
		})
		browser := s.Dial("WebServer") // by its address: the first root answers
		browser.Send("/about.html")
		browser.Expect("about us")
		browser.Send("/?a=1")
		browser.Expect(`{"a":"1","path":"/","visits":11}`)
		browser.Send("/none.gif")
		browser.Expect(`{"a":"","path":"/none.gif","visits":12}`)
	})
	if got, err := os.ReadFile(filepath.Join(root, "saved")); string(got) != "at the end" {
		t.Errorf("saved %q, %v", got, err)
	}
}
