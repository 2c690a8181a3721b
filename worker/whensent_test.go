package worker_test

import (
	"io"
	"slices"
	"testing"

	"github.com/workerman-go/wm/worker"
)

func TestWhenSent(t *testing.T) {
	const size = 32 << 20 // more than the kernel takes
	said := make(chan string, 10)
	say := func(s string) func(*worker.Connection) {
		return func(*worker.Connection) { said <- s }
	}
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "")
		w.OnBufferDrain = say("drain")
		calls := make(chan []string, 1)
		w.OnMessage = func(c *worker.Connection, data []byte) {
			if string(data) == "little" {
				c.Send("x")
				c.WhenSent(say("at once"))
				calls <- []string{<-said}
				return
			}
			c.Send(make([]byte, size))
			c.WhenSent(say("first"))
			c.WhenSent(func(*worker.Connection) { said <- "second"; panic("on purpose") })
			c.WhenSent(say("third"))
			calls <- nil
		}
		s := start(t, w)
		c := o.open(s)
		c.send("little")
		c.expect("x")
		if got := await(t, calls, "call"); !slices.Equal(got, []string{"at once"}) {
			t.Errorf("got %q", got)
		}
		c.send("much")
		await(t, calls, "message")
		if len(said) > 0 {
			t.Errorf("%q was called with a backlog", <-said)
		}
		if _, err := io.CopyN(io.Discard, c.r, size); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"first", "second", "third", "drain"} {
			if got := await(t, said, want); got != want {
				t.Errorf("%s was called, want %s", got, want)
			}
		}
		c.send("much")
		await(t, calls, "message")
		s.do(func() { w.Connection(1).Destroy() })
		if len(said) > 0 {
			t.Errorf("%q was called for a closed connection", <-said)
		}
	})
}
