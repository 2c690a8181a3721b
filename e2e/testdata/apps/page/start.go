// Package page is a site for a browser. E2E_PAGE is its address; E2E_PAGE_TLS
// lists one for the same over TLS, and one that echoes messages over wss, with
// the certificate E2E_CERT. Sessions and uploads are kept in E2E_PAGE_DIR.
package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

//go:embed page.html page.js
var files embed.FS

// Start declares the Workers.
func Start() {
	dir := os.Getenv("E2E_PAGE_DIR")
	if dir == "" {
		return
	}
	http1.UploadTmpDir = filepath.Join(dir, "uploads")
	http1.Sessions.Handler = http1.NewFileSessions(filepath.Join(dir, "sessions"))
	if address := os.Getenv("E2E_PAGE"); address != "" {
		w := worker.New("http://" + address)
		w.Name, w.Count, w.OnRequest = "page", 2, serve
	}
	if page, socket, ok := strings.Cut(os.Getenv("E2E_PAGE_TLS"), ","); ok {
		settings := worker.TLS{CertFile: os.Getenv("E2E_CERT")}
		w := worker.New("http://" + page)
		w.Name, w.Transport, w.TLS, w.OnRequest = "page-tls", "ssl", settings, serve
		wss := worker.New("websocket://" + socket)
		wss.Name, wss.Transport, wss.TLS = "page-wss", "ssl", settings
		wss.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
	}
}

func serve(c *worker.Connection, r *http1.Request) {
	switch r.Path() {
	case "/":
		c.Send(http1.FileFS(files, "page.html"))
	case "/page.js":
		c.Send(http1.FileFS(files, "page.js"))
	case "/echo":
		echo(c, r)
	case "/cookies":
		c.Send(http1.JSON(r.Cookies()).
			SetCookie(&http.Cookie{Name: "seen", Value: "yes", Path: "/"}).
			SetCookie(&http.Cookie{Name: "hidden", Value: "yes", Path: "/", HttpOnly: true}))
	case "/count":
		s := r.Session()
		n := s.Int("count") + 1
		s.Set("count", n)
		c.Send(strconv.Itoa(n))
	case "/upload":
		c.Send(http1.JSON(received(r)))
	case "/events":
		stream(c, r)
	default:
		c.Send(http1.NewResponse(http.StatusNotFound, nil, "no such page"))
	}
}

// echo answers JSON with what it got as JSON.
func echo(c *worker.Connection, r *http1.Request) {
	var got any
	if err := r.JSON(&got); err != nil {
		c.Send(http1.NewResponse(http.StatusBadRequest, nil, err.Error()))
		return
	}
	c.Send(map[string]any{"method": r.Method(), "got": got})
}

// file is what has come of an upload.
type file struct {
	Name, Type, Sum string
	Size            int64
}

func received(r *http1.Request) map[string]any {
	var list []file
	for _, u := range r.Files() {
		f := file{Name: u.Name, Type: u.Type, Size: u.Size}
		if body, err := u.Open(); err == nil {
			sum := sha256.New()
			io.Copy(sum, body)
			body.Close()
			f.Sum = hex.EncodeToString(sum.Sum(nil))
		}
		list = append(list, f)
	}
	return map[string]any{"note": r.Post("note"), "files": list}
}

// stream sends five ticks, which go on where a client has been before, and
// then stays open.
func stream(c *worker.Connection, r *http1.Request) {
	last, _ := strconv.Atoi(r.Header("last-event-id"))
	c.OnClose = func(c *worker.Connection) { worker.Log("a listener is gone") }
	c.Send(&http1.Response{Header: http.Header{"Content-Type": {"text/event-stream"}}})
	c.Send(http1.Event{Retry: 20 * time.Millisecond, Comment: "welcome"})
	end := last + 5
	var ticks timer.ID
	ticks = timer.Add(10*time.Millisecond, func() {
		last++
		id := strconv.Itoa(last)
		if c.Send(http1.Event{ID: id, Event: "tick", Data: "tick " + id}) != nil || last == end {
			timer.Del(ticks)
		}
	})
}
