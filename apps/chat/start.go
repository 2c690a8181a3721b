// Package chat is a chat with rooms for browsers, in the four roles of a push
// service: Gateways hold the visitors, BusinessWorkers know what a room is, a
// Register introduces them to each other, and a WebServer has the page. Open
//
//	http://127.0.0.1:55151
//
// The messages are JSON, see message.go; scripts on this machine talk to port 7273,
// see script.go. Where the parts listen is in places.go.
package chat

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/workerman-go/wm/gateway"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/webserver"
	"github.com/workerman-go/wm/worker"
)

// public is the page; it is in the binary.
//
//go:embed public
var public embed.FS

// StartRegister declares where the others find each other.
func StartRegister() {
	at := where()
	register := gateway.NewRegister("text://" + at.register)
	register.Name = "ChatRegister"
	register.SecretKey = at.secret
}

// StartGateway declares who holds the visitors, and who holds the scripts.
func StartGateway() {
	at := where()
	visitors := newGateway(at, "websocket://"+at.websocket, at.startPort)
	visitors.Name = "ChatGateway"
	visitors.Count = 2
	visitors.PingInterval = 25 * time.Second
	visitors.PingNotResponseLimit = 2 // the page answers
	visitors.PingData = `{"type":"ping"}`

	scripts := newGateway(at, "text://"+at.text, at.startPort+textPorts)
	scripts.Name = "ChatText"
}

// newGateway declares a Gateway of this cluster.
func newGateway(at places, address string, startPort int) *gateway.Gateway {
	g := gateway.New(address)
	g.RegisterAddress = []string{at.register}
	g.SecretKey = at.secret
	g.StartPort = startPort
	g.OnConnect = func(c *worker.Connection) { c.MaxPackageSize = maxMessageBytes }
	return g
}

// StartBusinessWorker declares who runs the rooms.
func StartBusinessWorker() {
	at := where()
	rooms := gateway.NewBusinessWorker()
	rooms.Name = "ChatBusinessWorker"
	rooms.Count = 2
	rooms.Concurrency = 16 // a login asks questions, which take their time
	rooms.RegisterAddress = []string{at.register}
	rooms.SecretKey = at.secret
	rooms.OnMessage = onMessage
	rooms.OnClose = onClose
}

// StartWebServer declares the page.
func StartWebServer() {
	at := where()
	files, err := fs.Sub(public, "public")
	if err != nil {
		panic(err) // the name is wrong
	}
	web := webserver.New("http://" + at.page)
	web.Name = "ChatWeb"
	web.Compress = true
	web.Header = http.Header{
		"X-Content-Type-Options": {"nosniff"},
		"Content-Security-Policy": {
			"default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'"},
	}
	web.AddFS("", files)
	web.AddEntryFunc("", func(c *worker.Connection, r *http1.Request) {
		if r.Path() == "/socket.json" { // where the page finds the Gateways
			c.Send(http1.JSON(map[string]any{"port": port(where().websocket)}))
			return
		}
		c.Send(http1.NewResponse(http.StatusNotFound, nil,
			fmt.Sprintf("%s is not here\n", r.Path())))
	})
}
