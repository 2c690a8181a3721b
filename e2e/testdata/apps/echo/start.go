// Package echo answers what comes, with its pid on request: E2E_TCP, E2E_TEXT
// and E2E_WS are the addresses of its Workers, E2E_DRAIN_RATE their Life.DrainRate.
package echo

import (
	"os"
	"strconv"

	"github.com/workerman-go/wm/worker"
)

// Start declares a Worker for each address that is given.
func Start() {
	declare("tcp", os.Getenv("E2E_TCP"))
	declare("text", os.Getenv("E2E_TEXT"))
	declare("websocket", os.Getenv("E2E_WS"))
}

func declare(scheme, address string) {
	if address == "" {
		return
	}
	w := worker.New(scheme + "://" + address)
	w.Name = "echo-" + scheme
	w.Count = 4
	if n, err := strconv.Atoi(os.Getenv("E2E_COUNT")); err == nil {
		w.Count = n
	}
	w.Life.DrainRate, _ = strconv.Atoi(os.Getenv("E2E_DRAIN_RATE"))
	w.OnMessage = func(c *worker.Connection, data []byte) {
		if string(data) == "pid" {
			c.WriteString(strconv.Itoa(os.Getpid()))
			return
		}
		c.Write(data)
	}
}
