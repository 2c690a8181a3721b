// Package handler serves net/http at E2E_HANDLER, with the access log
// E2E_ACCESS, and over TLS at E2E_HANDLER_TLS with E2E_CERT.
package handler

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/workerman-go/wm/worker"
)

// Start declares a Worker for each address that is given.
func Start() {
	if address := os.Getenv("E2E_HANDLER"); address != "" {
		declare(address)
	}
	if address := os.Getenv("E2E_HANDLER_TLS"); address != "" {
		w := declare(address)
		w.Name, w.Transport = "handler-tls", "ssl"
		w.TLS.CertFile = os.Getenv("E2E_CERT")
	}
}

func declare(address string) *worker.Worker {
	w := worker.New("http://" + address)
	w.Name = "handler"
	w.Count = 2
	w.ReusePort = os.Getenv("E2E_REUSEPORT") != ""
	w.AccessLog = os.Getenv("E2E_ACCESS")
	w.Handler = router()
	return w
}

func router() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello world")
	})
	mux.HandleFunc("GET /proto", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Proto)
	})
	mux.HandleFunc("GET /pid", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, os.Getpid())
	})
	mux.HandleFunc("GET /wait/{ms}", func(w http.ResponseWriter, r *http.Request) {
		ms, _ := strconv.Atoi(r.PathValue("ms"))
		select {
		case <-time.After(time.Duration(ms) * time.Millisecond):
			fmt.Fprint(w, "done")
		case <-r.Context().Done():
		}
	})
	return mux
}
