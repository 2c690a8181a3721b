// Package flap has a process that notes each of its starts in the file
// E2E_STARTS and ends at once while the file E2E_FLAP exists.
package flap

import (
	"fmt"
	"os"
	"time"

	"github.com/workerman-go/wm/worker"
)

// Start declares the Worker.
func Start() {
	flag, starts := os.Getenv("E2E_FLAP"), os.Getenv("E2E_STARTS")
	if flag == "" {
		return
	}
	w := worker.New("")
	w.Name = "flap"
	w.OnWorkerStart = func(*worker.Worker) error {
		file, err := os.OpenFile(starts, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		fmt.Fprintln(file, time.Now().UnixNano())
		file.Close()
		if _, err := os.Stat(flag); err == nil {
			os.Exit(1)
		}
		return nil
	}
}
