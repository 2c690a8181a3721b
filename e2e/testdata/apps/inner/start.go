// Package inner opens a port of its own in each process, in OnWorkerStart:
// E2E_INNER lists one address for each of its two slots, E2E_INNER_HTTP is the
// address of the Worker itself, which may be missing.
package inner

import (
	"os"
	"strings"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// Start declares the Worker.
func Start() {
	list := os.Getenv("E2E_INNER")
	if list == "" {
		return
	}
	address := os.Getenv("E2E_INNER_HTTP")
	if address != "" {
		address = "http://" + address
	}
	w := worker.New(address)
	w.Name = "inner"
	w.Count = 2
	w.OnRequest = func(c *worker.Connection, _ *http1.Request) { c.Send("outer") }
	w.OnWorkerStart = func(w *worker.Worker) error {
		in := worker.New("text://" + strings.Split(list, ",")[w.ID])
		in.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
		return in.Listen()
	}
}
