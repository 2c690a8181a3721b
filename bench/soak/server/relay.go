package main

import (
	"os"
	"time"

	"github.com/workerman-go/wm/worker"
)

const (
	redialAfter = 10 * time.Millisecond
	// maxRedials bounds what one client may cause.
	maxRedials = 4
)

// relay joins each client to a connection of its own to SOAK_RELAY_TO, with a
// line "up" each time that one stands. When it ends another one is dialled.
func relay(address string) *worker.Worker {
	w := worker.New("tcp://" + address)
	w.OnConnect = func(c *worker.Connection) {
		redials := 0
		up := worker.Dial("tcp://" + os.Getenv("SOAK_RELAY_TO"))
		up.OnConnect = func(*worker.Connection) { c.Send("up\n") }
		c.Pipe(up)
		up.Pipe(c)
		up.OnClose = func(up *worker.Connection) {
			if redials++; redials > maxRedials || c.Status() != worker.Established {
				c.Close()
				return
			}
			up.Reconnect(redialAfter)
		}
		c.OnClose = func(*worker.Connection) {
			up.CancelReconnect()
			up.Close()
		}
	}
	return w
}
