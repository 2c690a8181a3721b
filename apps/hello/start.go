// Package hello is the first page of the manual: one reply over HTTP,
// websocket and plain TCP. Try
//
//	curl http://127.0.0.1:2345
//	telnet 127.0.0.1 2347
package hello

import (
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// processes serve each of the three addresses.
const processes = 4

// Start declares the Workers; their callbacks run in the worker processes.
func Start() {
	web := worker.New("http://127.0.0.1:2345")
	web.Name = "hello-http"
	web.Count = processes
	web.OnRequest = func(c *worker.Connection, r *http1.Request) {
		c.Send("hello world")
	}

	ws := worker.New("websocket://127.0.0.1:2346")
	ws.Name = "hello-websocket"
	ws.Count = processes
	ws.OnMessage = greet

	tcp := worker.New("tcp://127.0.0.1:2347")
	tcp.Name = "hello-tcp"
	tcp.Count = processes
	tcp.OnMessage = greet
}

// greet answers "hello " and what came.
func greet(c *worker.Connection, data []byte) {
	c.Send("hello " + string(data))
}
