// Package jsonint is the second protocol of the manual's examples: a length and
// JSON. Try
//
//	go run ./examples/jsonint/server start
//	go run ./examples/jsonint/client hello all
package jsonint

import (
	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/worker"
)

// Message is what goes both ways: {"type":"message","content":"hello all"}.
type Message struct {
	Type    string `json:"type"`
	Content string `json:"content"`
}

// Start declares a Worker that gives every message to all its clients. One
// process, so that everybody is in the same one.
func Start() {
	protocol.Register("JsonInt", Protocol[Message]{})
	w := worker.New("JsonInt://127.0.0.1:1235")
	w.Name = "jsonint"
	w.Count = 1
	w.OnValue = worker.Value(func(_ *worker.Connection, m Message) {
		w.Broadcast(m)
	})
}
