package wmtest

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/workerman-go/wm/worker"
)

func TestClientOfAHandler(t *testing.T) {
	for _, transport := range []string{"tcp", "ssl", "unix"} {
		t.Run(transport, func(t *testing.T) {
			s := Run(t, func() {
				address := "http://127.0.0.1:1"
				if transport == "unix" {
					address = "http:///run/wm.sock"
				}
				w := worker.New(address)
				w.Name, w.Transport = "web", transport
				if transport == "ssl" {
					w.TLS.Config = certificate(t)
				}
				w.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					fmt.Fprint(w, "hello ", r.URL.Path)
				})
			})
			c := s.Dial("web")
			for _, path := range []string{"/a", "/b"} {
				c.Send(path)
				c.Expect("hello " + path)
			}
			s.Do("web", func(w *worker.Worker) {
				for c := range w.Connections() {
					c.Close()
				}
			})
			c.ExpectClose()
		})
	}
}
