// Package twin wants the address of the app web.
package twin

import (
	"os"

	"github.com/workerman-go/wm/worker"
)

// Start declares a Worker at an address that is taken.
func Start() {
	w := worker.New("text://" + os.Getenv("E2E_HTTP"))
	w.Name = "twin"
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
}
