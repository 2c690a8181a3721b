package child

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

// startEcho declares the Worker that the process tests run. Its arguments (of
// the hand-over) change what OnWorkerStart does, and its clients make it do
// the rest.
func startEcho() {
	w := worker.New("text://127.0.0.1:0")
	w.Name = "echo"
	w.OnWorkerStart = onEchoStart
	w.OnWorkerStop = func(*worker.Worker) {
		worker.Log("OnWorkerStop")
		if slices.Contains(worker.Args(), "slow") {
			select {}
		}
	}
	w.OnWorkerReload = func(*worker.Worker) {
		fmt.Println("printed in OnWorkerReload")
		worker.Log("OnWorkerReload")
	}
	w.OnMessage = worker.Text(onEchoMessage)
	w.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) {}
}

// startEarly adds timers before there is a loop.
func startEarly() {
	startEcho()
	timer.Add(time.Millisecond, func() { worker.Log("tick") })
	deleted := timer.After(0, func() { worker.Log("a deleted timer ran") })
	timer.Del(deleted)
}

func onEchoStart(w *worker.Worker) error {
	switch args := worker.Args(); {
	case slices.Contains(args, "fail"):
		return errors.New("no database")
	case slices.Contains(args, "block"):
		select {}
	case slices.Contains(args, "tick"):
		timer.Add(time.Millisecond, func() { worker.Log("tick") })
	case slices.Contains(args, "bye"):
		w.Life.DrainRate = 2
		w.OnConnect = func(c *worker.Connection) { c.SetProtocol(polite{text.Protocol}) }
	case slices.Contains(args, "inner"):
		return listenInside()
	}
	return nil
}

// polite has a last word, as websockets have.
type polite struct{ protocol.Protocol }

func (polite) AppendFarewell(dst []byte, why protocol.Occasion, c protocol.Conn) []byte {
	return fmt.Appendf(dst, "bye %d\n", why)
}

// listenInside opens a second port for the process.
func listenInside() error {
	inner := worker.New("text://127.0.0.1:0")
	inner.OnMessage = worker.Text(func(c *worker.Connection, s string) { c.Send("inner " + s) })
	return inner.Listen()
}

func onEchoMessage(c *worker.Connection, s string) {
	word, rest, _ := strings.Cut(s, " ")
	switch word {
	case "block":
		c.Send("blocked")
		c.Flush()
		select {}
	case "flood":
		lines, _ := strconv.Atoi(rest)
		for range lines {
			worker.Log("%s", strings.Repeat("x", 1000))
		}
		c.Send("flooded")
	case "panic":
		go panic("in a goroutine")
	case "stop":
		code, _ := strconv.Atoi(rest)
		worker.StopAll(code, "enough of "+rest)
	case "env":
		c.Send(fmt.Sprintf("%q %q %q", os.Args[1:], worker.Args(), os.Getenv("_WM_HANDOVER")))
	default:
		c.Send(s)
	}
}
