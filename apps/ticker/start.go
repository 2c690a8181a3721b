// Package ticker is a Worker without an address: a timer that must exist once
// in the whole service, whatever the number of processes.
package ticker

import (
	"time"

	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

// Start declares two processes; only the one with ID 0 has the timer. When it
// dies its replacement gets the same ID, and with it the timer.
func Start() {
	w := worker.New("")
	w.Name = "ticker"
	w.Count = 2
	w.OnWorkerStart = func(w *worker.Worker) error {
		if w.ID != 0 {
			return nil
		}
		timer.Add(time.Minute, func() {
			worker.Log("ticker: another minute has passed")
		})
		return nil
	}
}
