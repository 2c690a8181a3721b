package webserver_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/fstest"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/webserver"
	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

// start is the Start of an app.
func start() {
	web := webserver.New("http://0.0.0.0:8080")
	web.Count = 4
	web.Header = http.Header{"X-Content-Type-Options": {"nosniff"}}
	web.AddFS("", fstest.MapFS{ // an embed.FS, or AddRoot("www.example.com", "public")
		"index.html": {Data: []byte("<h1>Welcome</h1>")},
	})
	web.AddEntryFunc("", func(c *worker.Connection, r *http1.Request) {
		c.Send("hello " + r.Get("name", "world"))
	})
}

func TestTheExample(t *testing.T) {
	s := wmtest.Run(t, start)
	browser := s.Dial("WebServer")
	browser.Send("/")
	browser.Expect("<h1>Welcome</h1>")
	browser.Send("/greet?name=Tom")
	browser.Expect("hello Tom")
}

// A router of net/http answers what no file does. It runs on goroutines.
func ExampleWebServer_AddEntry() {
	routes := http.NewServeMux()
	routes.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "user", r.PathValue("id"))
	})
	web := webserver.New("http://0.0.0.0:8080")
	web.AddRoot("www.example.com", "public")
	web.AddEntry("www.example.com", routes)
}
