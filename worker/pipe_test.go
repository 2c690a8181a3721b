package worker_test

import (
	"io"
	"testing"

	"github.com/workerman-go/wm/worker"
)

func TestPipeLosesNothing(t *testing.T) {
	const size = 12 << 20
	for _, tt := range []struct {
		name   string
		change func(w *worker.Worker, b *worker.Connection) (sent int)
	}{
		{"as it is", func(w *worker.Worker, b *worker.Connection) int { return 0 }},
		{"a small buffer", func(w *worker.Worker, b *worker.Connection) int {
			b.MaxSendBufferSize = 1000
			return 0
		}},
		{"at the limit of the process", func(w *worker.Worker, b *worker.Connection) int {
			w.Limits.QueuedBytes = 1000
			return 0
		}},
		{"full before", func(w *worker.Worker, b *worker.Connection) int {
			b.MaxSendBufferSize = 1000
			b.Send(pattern(2 << 20))
			return 2 << 20
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			overEvery(t, func(t *testing.T, o over) {
				w := o.worker(t, "")
				accepted := conns(w)
				s := start(t, w)
				from, to := o.open(s), o.open(s)
				a, b := await(t, accepted, "connection"), await(t, accepted, "connection")
				standing(t, s, []*worker.Connection{a, b})
				before := 0
				s.do(func() {
					narrow(t, b)
					before = tt.change(w, b)
					a.Pipe(b)
					b.Pipe(a)
				})
				sent := make(chan error, 1)
				go func() { // ends when all is sent, or with the deadline of the socket
					_, err := io.WriteString(from, string(pattern(size)))
					if err == nil {
						err = from.Conn.(interface{ CloseWrite() error }).CloseWrite()
					}
					sent <- err
				}()
				for range 50 { // whatever is read meanwhile, little of it waits here
					s.do(func() {
						if n := b.SendQueueSize() - before; n > 200<<10 && n > b.MaxSendBufferSize+200<<10 {
							t.Errorf("%d bytes wait", n)
						}
					})
				}
				to.expect(string(pattern(before)) + string(pattern(size)))
				to.expectEnd()
				if err := <-sent; err != nil {
					t.Error(err)
				}
				from.expectEnd()
			})
		})
	}
}
