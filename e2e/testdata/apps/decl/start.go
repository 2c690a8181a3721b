// Package decl declares whatever the test says: E2E_ADDRESS is a whole
// address with its scheme, E2E_DECL_COUNT and E2E_DECL_USER go with it.
package decl

import (
	"os"
	"strconv"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// Start declares the Worker.
func Start() {
	address := os.Getenv("E2E_ADDRESS")
	if address == "" {
		return
	}
	w := worker.New(address)
	w.Name = "decl"
	if n, err := strconv.Atoi(os.Getenv("E2E_DECL_COUNT")); err == nil {
		w.Count = n
	}
	if user := os.Getenv("E2E_DECL_USER"); user != "" {
		w.User = user
	}
	if os.Getenv("E2E_DECL_MUTE") != "" {
		return
	}
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
	w.OnRequest = func(c *worker.Connection, _ *http1.Request) { c.Send("decl") }
}
