// Package session counts in sessions: E2E_SESSION is its address,
// E2E_SESSION_DIR the folder of its sessions, and E2E_SESSION_REDIS the socket of the
// Redis that keeps them instead.
package session

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/store"
	"github.com/workerman-go/wm/worker"
)

// Start declares the Worker.
func Start() {
	address := os.Getenv("E2E_SESSION")
	if address == "" {
		return
	}
	http1.Sessions.Handler = http1.NewFileSessions(os.Getenv("E2E_SESSION_DIR"))
	if socket := os.Getenv("E2E_SESSION_REDIS"); socket != "" {
		http1.Sessions.Handler = store.NewRedisSessions(socket)
	}
	w := worker.New("http://" + address)
	w.Name = "session"
	w.Count = 3
	w.OnRequest = serve
}

func serve(c *worker.Connection, r *http1.Request) {
	switch r.Path() {
	case "/pid":
		c.Send(strconv.Itoa(os.Getpid()))
	case "/page":
		c.Send("page")
	case "/count":
		s := r.Session()
		s.Set("n", s.Int("n")+1)
		c.Send(fmt.Sprint(s.Int("n"), " ", os.Getpid()))
	case "/hang": // with the session locked
		s := r.Session()
		s.Set("n", s.Int("n")+1)
		worker.Log("%d hangs", os.Getpid())
		time.Sleep(time.Hour)
	}
}
