// Package jsonnl is the first protocol of the manual: JSON and a line feed. Try
//
//	go run ./examples/jsonnl/server start
//	go run ./examples/jsonnl/client hello
package jsonnl

import (
	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/worker"
)

// Message is what goes both ways: {"type":"message","content":"hello"}.
type Message struct {
	Type    string `json:"type"`
	Content string `json:"content"`
}

// Start declares a Worker that answers every message.
func Start() {
	protocol.Register("JsonNL", Protocol[Message]{})
	w := worker.New("JsonNL://127.0.0.1:1234")
	w.Name = "jsonnl"
	w.OnValue = worker.Value(func(c *worker.Connection, m Message) {
		c.Send(Message{Type: "reply", Content: "you said " + m.Content})
	})
}
