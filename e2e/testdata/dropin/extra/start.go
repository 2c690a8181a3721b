// Package extra is the app that the drop-in test copies, changes and removes.
package extra

import (
	"os"

	"github.com/workerman-go/wm/worker"
)

// Start declares a text Worker that says which edition of it answers.
func Start() {
	w := worker.New("text://" + os.Getenv("E2E_EXTRA_A"))
	w.Name = "extra"
	w.Count = 2
	w.OnMessage = func(c *worker.Connection, data []byte) { c.WriteString("first " + string(data)) }
}
