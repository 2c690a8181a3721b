// Package todpole is a pond in which every visitor is a tadpole and sees the
// others swim: the busiest little thing that a push service can be asked for. Open
//
//	http://127.0.0.1:8383
//
// Beside the websocket port is one for lines of text, with the same messages; watch
// the pond, and put a line of your own in, with
//
//	telnet 127.0.0.1 8283
//	{"type":"update","x":0,"y":0,"angle":1.57,"momentum":0,"name":"telnet"}
//
// The messages are in pond.go, where the parts listen is in places.go.
package todpole

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
	register.Name = "TodpoleRegister"
	register.SecretKey = at.secret
}

// StartGateway declares who holds the tadpoles: those of browsers, and beside them
// those of programs, in another protocol. The pond is the same.
func StartGateway() {
	at := where()
	browsers := newGateway(at, "websocket://"+at.websocket, at.startPort)
	browsers.Name = "TodpoleGateway"
	browsers.Count = 2
	browsers.PingInterval = 25 * time.Second
	browsers.PingNotResponseLimit = 2 // the page answers
	browsers.PingData = `{"type":"ping"}`

	programs := newGateway(at, "text://"+at.text, at.startPort+textPorts)
	programs.Name = "TodpoleText"
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

// StartBusinessWorker declares who passes on what the tadpoles do.
func StartBusinessWorker() {
	at := where()
	water := gateway.NewBusinessWorker()
	water.Name = "TodpoleBusinessWorker"
	water.Count = 2
	water.RegisterAddress = []string{at.register}
	water.SecretKey = at.secret

	p := pond{paces: make(map[string]*pace), now: time.Now}
	water.OnConnect = p.onConnect
	water.OnMessage = p.onMessage
	water.OnClose = p.onClose
}

// StartWebServer declares the page.
func StartWebServer() {
	at := where()
	files, err := fs.Sub(public, "public")
	if err != nil {
		panic(err) // the name is wrong
	}
	web := webserver.New("http://" + at.page)
	web.Name = "TodpoleWeb"
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
