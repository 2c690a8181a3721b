// Package page is a site for a browser. E2E_PAGE is its address; E2E_PAGE_TLS
// lists one for the same over TLS, and one that echoes messages over wss, with
// the certificate E2E_CERT.
package page

import (
	"embed"
	"net/http"
	"os"
	"strings"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

//go:embed page.html page.js
var files embed.FS

// Start declares the Workers.
func Start() {
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
		c.Send(show("page.html", "text/html;charset=utf-8"))
	case "/page.js":
		c.Send(show("page.js", "text/javascript;charset=utf-8"))
	case "/json":
		c.Send(map[string]any{"method": r.Method()})
	case "/count":
		c.Send("1")
	default:
		c.Send(http1.NewResponse(http.StatusNotFound, nil, "no such page"))
	}
}

func show(name, kind string) *http1.Response {
	text, _ := files.ReadFile(name)
	return http1.NewResponse(http.StatusOK, map[string]string{"Content-Type": kind}, string(text))
}
