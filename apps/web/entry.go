package web

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"time"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

//go:embed pages
var pageFiles embed.FS

// pages are made anew for each visitor.
var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// answer is what index.php was: it is asked for everything that is no file.
func answer(c *worker.Connection, r *http1.Request) {
	switch r.Path() {
	case "/visits":
		visits(c, r)
	case "/clock":
		clock(c)
	case "/upload":
		upload(c, r)
	default:
		show(c, http.StatusNotFound, "missing.html", r.Path())
	}
}

// visits counts how often this browser was here.
func visits(c *worker.Connection, r *http1.Request) {
	session := r.Session()
	n := session.Int("visits") + 1
	session.Set("visits", n)
	show(c, http.StatusOK, "visits.html", n)
}

// clock tells the time once a second, until the browser leaves.
func clock(c *worker.Connection) {
	c.Send(http1.NewResponse(http.StatusOK, map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store",
	}, ""))
	tell := func() { c.Send(http1.Event{Data: time.Now().Format(time.TimeOnly)}) }
	tell()
	every := timer.Add(time.Second, tell)
	c.OnClose = func(*worker.Connection) { timer.Del(every) }
}

// upload says what has come. The files are deleted with the request: Move would
// keep them.
func upload(c *worker.Connection, r *http1.Request) {
	if r.Method() != http.MethodPost {
		c.Send(http1.Redirect("/upload.html"))
		return
	}
	show(c, http.StatusOK, "received.html", map[string]any{
		"Note": r.Post("note"), "Files": r.Files(),
	})
}

// show answers with one of pages.
func show(c *worker.Connection, status int, name string, data any) {
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, data); err != nil {
		panic(err) // a mistake in the template: 500
	}
	c.Send(http1.NewResponse(status, map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	}, page.String()))
}
