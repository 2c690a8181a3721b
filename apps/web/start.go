// Package web serves the pages of the sample apps, and shows what http can do:
// uploads, an event stream, a session. Its files are in the binary. Open
//
//	http://127.0.0.1:55757
package web

import (
	"embed"
	"io/fs"
	"net/http"

	"github.com/workerman-go/wm/webserver"
)

// public are the files that everybody may have.
//
//go:embed public
var public embed.FS

// Start declares the web server. What is no file goes to answer.
func Start() {
	files, err := fs.Sub(public, "public")
	if err != nil {
		panic(err) // the name is wrong
	}
	web := webserver.New("http://127.0.0.1:55757")
	web.Name = "web"
	web.Count = 2
	web.Compress = true
	web.Header = http.Header{"X-Content-Type-Options": {"nosniff"}}
	web.AddFS("", files)
	web.AddEntryFunc("", answer)
}
