// Package oneport serves HTTP, websocket and lines of text on one port. Try
//
//	go run ./examples/oneport/server start
//	curl http://127.0.0.1:8484/
//	telnet 127.0.0.1 8484
//
// and, in a browser's console:
//
//	ws = new WebSocket("ws://127.0.0.1:8484")
//	ws.onmessage = e => console.log(e.data)
//	ws.send("browser")
package oneport

import (
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// Start declares the Worker. Its callbacks do not see which protocol a client
// speaks: requests come to OnRequest, lines and websocket messages to
// OnMessage, and Send answers each in its own.
func Start() {
	w := worker.New("tcp://127.0.0.1:8484")
	w.Name = "oneport"
	w.Protocol = Protocol{}
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		c.Send("hello " + r.Get("name", "http"))
	}
	w.OnMessage = func(c *worker.Connection, data []byte) {
		c.Send("hello " + string(data))
	}
}
