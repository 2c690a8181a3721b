package main

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/workerman-go/wm/worker"
)

// floodSize is the length of each message of a flood.
const floodSize = 16 << 10

// answering returns each message to its sender, but for those that ask for
// something: "!who", "!end", "!close", "!destroy", "!flood N".
func answering(address string) *worker.Worker {
	w := worker.New(address)
	w.OnMessage = func(c *worker.Connection, data []byte) {
		wish, arg, _ := bytes.Cut(data, []byte(" "))
		switch string(wish) {
		case "!who":
			c.Send(c.RemoteIP())
		case "!end":
			c.End("bye")
		case "!close":
			c.Close("bye")
		case "!destroy":
			c.Destroy()
		case "!flood":
			flood(c, arg)
		default:
			c.Write(data)
		}
	}
	return w
}

// flood sends n messages at once, each with its number.
func flood(c *worker.Connection, n []byte) {
	count, err := strconv.Atoi(string(n))
	if err != nil {
		c.Destroy()
		return
	}
	for i := range count {
		c.WriteString(fmt.Sprintf("%0*d", floodSize, i))
	}
}
