package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// The same page in other ways, all with the length of the first.

const page = "hello world"

// hello is the first page of the manual.
func hello(address string) *worker.Worker {
	w := worker.New("http://" + address)
	w.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Send(page) }
	return w
}

// handled is hello with a handler of net/http.
func handled(address string) *worker.Worker {
	w := worker.New("http://" + address)
	w.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html;charset=utf-8")
		io.WriteString(w, page)
	})
	return w
}

// noted is hello with an access log in the directory that BENCH_NOTES names.
func noted(address string) *worker.Worker {
	w := hello(address)
	w.AccessLog = filepath.Join(os.Getenv("BENCH_NOTES"), "access.log")
	return w
}
