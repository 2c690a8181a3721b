package main

import (
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// The same page in other ways, all with the length of the first.

const page = "hello world"

// hello is the first page of the manual.
func hello(address string) *worker.Worker {
	w := worker.New("http://" + address)
	w.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Send(page) }
	return w
}
