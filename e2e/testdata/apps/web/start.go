// Package web is an http Worker whose paths do to its process what a test
// asks for. E2E_HTTP is its address; without it nothing is declared.
package web

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

// build is set by the linker, so that a test sees which binary answers.
var build = "unset"

// Start declares the Worker.
func Start() {
	address := os.Getenv("E2E_HTTP")
	if address == "" {
		return
	}
	w := worker.New("http://" + address)
	w.Name = "web"
	w.Count = 2
	if n, err := strconv.Atoi(os.Getenv("E2E_COUNT")); err == nil {
		w.Count = n
	}
	w.User = os.Getenv("E2E_USER")
	w.Reloadable = os.Getenv("E2E_RELOADABLE") != "false"
	if d, err := time.ParseDuration(os.Getenv("E2E_READY_TIMEOUT")); err == nil {
		w.Life.ReadyTimeout = d
	}
	if d, err := time.ParseDuration(os.Getenv("E2E_STOP_TIMEOUT")); err == nil {
		w.Life.StopTimeout = d
	}
	w.Life.HangTimeout, _ = time.ParseDuration(os.Getenv("E2E_HANG_TIMEOUT"))
	w.Life.MaxAge, _ = time.ParseDuration(os.Getenv("E2E_MAX_AGE"))
	w.Life.MaxRequests, _ = strconv.ParseInt(os.Getenv("E2E_MAX_REQUESTS"), 10, 64)
	w.Life.MaxMemory, _ = strconv.ParseInt(os.Getenv("E2E_MAX_MEMORY"), 10, 64)
	w.OnWorkerStart = begin
	w.OnWorkerReload = func(w *worker.Worker) { worker.Log("web %d was told of a reload", w.ID) }
	w.OnWorkerStop = func(w *worker.Worker) { worker.Log("web %d stops", w.ID) }
	w.OnRequest = serve
}

// begin fails as the file E2E_FAIL says, "SLOT HOW", while that file exists.
func begin(w *worker.Worker) error {
	text, err := os.ReadFile(os.Getenv("E2E_FAIL"))
	if err != nil {
		return nil
	}
	slot, how, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	if slot != strconv.Itoa(w.ID) {
		return nil
	}
	switch how {
	case "error":
		return fmt.Errorf("slot %d refuses on purpose", w.ID)
	case "panic":
		panic("panic on purpose in OnWorkerStart")
	case "crash":
		go func() { panic("crash on purpose beside the loop") }()
		select {}
	case "exit":
		os.Exit(3)
	case "hold":
		w.HoldReady()
	}
	return nil
}

func serve(c *worker.Connection, r *http1.Request) {
	switch r.Path() {
	case "/pid":
		c.Send(strconv.Itoa(os.Getpid()))
	case "/slot":
		c.Send(fmt.Sprintf("%d %d", worker.Self().ID, os.Getpid()))
	case "/build":
		c.Send(build)
	case "/args":
		c.Send(strings.Join(worker.Args(), " "))
	case "/appdir":
		c.Send(worker.AppDir())
	case "/big":
		c.Send(strings.Repeat("x", number(r)))
	case "/environ":
		c.Send(strings.Join(os.Environ(), "\n"))
	case "/exit":
		os.Exit(number(r))
	case "/stopall":
		c.Send("done")
		worker.StopAll(number(r), "asked to by a client")
	case "/panic":
		panic("panic on purpose in a callback")
	case "/crash":
		go func() { panic("crash on purpose beside the loop") }()
	case "/goexit":
		runtime.Goexit()
	case "/maps":
		writeConcurrently()
	case "/block":
		time.Sleep(time.Duration(number(r)) * time.Millisecond)
		c.Send("done")
	case "/wait":
		wait(c, time.Duration(number(r))*time.Millisecond)
	case "/keep":
		kept = append(kept, []byte(strings.Repeat("x", number(r)))...)
		c.Send("done")
	case "/leave-child":
		c.Send(leaveChild())
	case "/timer":
		timer.Add(time.Hour, func() {})
		c.Send("done")
	default:
		c.Send("hello world")
	}
}

// kept is memory that a process never gives back.
var kept []byte

// leaveChild starts a process that wants to outlive everything.
func leaveChild() string {
	cmd := exec.Command("sleep", "300")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err.Error()
	}
	return strconv.Itoa(cmd.Process.Pid)
}

func number(r *http1.Request) int {
	n, _ := strconv.Atoi(r.Get("n"))
	return n
}

// wait answers later without blocking the loop.
func wait(c *worker.Connection, d time.Duration) {
	work := func(context.Context) (string, error) {
		time.Sleep(d)
		return "done", nil
	}
	worker.Go(context.Background(), work, func(text string, _ error) { c.Send(text) })
}

// writeConcurrently makes the runtime find two writers of one map.
func writeConcurrently() {
	m := map[int]int{}
	for range 4 {
		go func() {
			for i := 0; ; i++ {
				m[i%8] = i
			}
		}()
	}
}
