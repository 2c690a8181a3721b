// Package mytextprotocol is the smallest protocol of one's own. Try
//
//	go run ./examples/mytextprotocol/server start
//	telnet 127.0.0.1 5678
package mytextprotocol

import (
	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/worker"
)

// Start declares a Worker that answers every line.
func Start() {
	protocol.Register("MyTextProtocol", Protocol{})
	w := worker.New("MyTextProtocol://127.0.0.1:5678")
	w.Name = "mytextprotocol"
	w.OnMessage = func(c *worker.Connection, line []byte) {
		c.Send("hello " + string(line))
	}
}
