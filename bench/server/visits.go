package main

import (
	"os"
	"path/filepath"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// visits is hello that counts the requests of each client in its session, in a
// file in the directory that BENCH_NOTES names.
func visits(address string) *worker.Worker {
	http1.Sessions.Handler = http1.NewFileSessions(filepath.Join(os.Getenv("BENCH_NOTES"), "sessions"))
	w := worker.New("http://" + address)
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		s := r.Session()
		s.Set("visits", s.Int("visits")+1)
		c.Send(page)
	}
	return w
}
