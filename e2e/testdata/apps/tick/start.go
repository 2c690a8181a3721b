// Package tick writes a line to the file E2E_TICKS ten times a second, from
// the process with ID 0 only. E2E_TICK_HTTP gives its Worker an address, so that two
// of its processes overlap in a reload.
package tick

import (
	"fmt"
	"os"
	"time"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

// Start declares the Worker.
func Start() {
	path := os.Getenv("E2E_TICKS")
	if path == "" {
		return
	}
	address := os.Getenv("E2E_TICK_HTTP")
	if address != "" {
		address = "http://" + address
	}
	w := worker.New(address)
	w.Name = "tick"
	w.Count = 2
	w.OnRequest = func(c *worker.Connection, _ *http1.Request) { c.Send("tick") }
	w.OnWorkerStart = func(w *worker.Worker) error {
		if w.ID != 0 {
			return nil
		}
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		timer.Add(100*time.Millisecond, func() {
			fmt.Fprintf(file, "%d %d\n", time.Now().UnixNano(), os.Getpid())
		})
		return nil
	}
}
