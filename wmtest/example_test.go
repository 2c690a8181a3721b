package wmtest_test

import (
	"testing"
	"time"

	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

// start is the app: it greets, and hangs up on who is silent for a minute.
func start() {
	w := worker.New("text://0.0.0.0:2350")
	w.Name = "greeter"
	w.OnConnect = func(c *worker.Connection) {
		timer.After(time.Minute, func() {
			if c.BytesRead == 0 {
				c.Close("goodbye")
			}
		})
	}
	w.OnMessage = func(c *worker.Connection, name []byte) {
		c.Send("hello " + string(name))
	}
}

// greets is a test of the app; in its own file it would be called TestGreets.
func greets(t *testing.T) {
	s := wmtest.Run(t, start)
	tom, silent := s.Dial("greeter"), s.Dial("greeter")
	tom.Send("Tom")
	tom.Expect("hello Tom")

	s.Advance(time.Minute)
	silent.Expect("goodbye")
	silent.ExpectClose()

	tom.Send("Tom again")
	tom.Expect("hello Tom again")
}

func Example() {
	_ = greets // go test calls it
}
