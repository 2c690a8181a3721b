package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

// askEvery is how often a process looks whether it is asked.
const askEvery = 200 * time.Millisecond

// report is what only the process itself knows.
type report struct {
	Question   string
	Goroutines int
	Objects    uint64 // on the heap, reachable
	Heap       uint64 // their bytes
}

// reportWhenAsked writes SOAK_REPORTS/PID each time the file "question" there
// has changed. The process gives back all memory it can first. It is called in
// OnWorkerStart, so a process that leaves says no more.
func reportWhenAsked(*worker.Worker) error {
	dir := os.Getenv("SOAK_REPORTS")
	answered := ""
	timer.Add(askEvery, func() {
		question, err := os.ReadFile(filepath.Join(dir, "question"))
		if err != nil || string(question) == answered {
			return
		}
		answered = string(question)
		if err := writeReport(dir, answered); err != nil {
			worker.Log("report: %v", err)
		}
	})
	return nil
}

// writeReport is complete whenever it is there at all: it comes by a rename.
func writeReport(dir, question string) error {
	runtime.GC() // pools of package sync let go at the second collection
	debug.FreeOSMemory()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	text, err := json.Marshal(report{question, runtime.NumGoroutine(),
		memory.HeapObjects, memory.HeapAlloc})
	if err != nil {
		return err
	}
	path := filepath.Join(dir, fmt.Sprint(os.Getpid()))
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
