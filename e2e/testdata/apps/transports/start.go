// Package transports has a Worker for each way to be reached that the test
// names: E2E_TLS, E2E_UNIX, E2E_PORT, E2E_DATAGRAMS, E2E_ESSENTIAL, E2E_HTTPS,
// E2E_BEHIND and E2E_FILES; the functions say what goes with each.
package transports

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/workerman-go/wm/webserver"
	"github.com/workerman-go/wm/worker"
)

// Start declares the Workers.
func Start() {
	secure(os.Getenv("E2E_TLS"))
	unix(os.Getenv("E2E_UNIX"))
	shared("text://", os.Getenv("E2E_PORT"), "tcp")
	shared("text://", os.Getenv("E2E_DATAGRAMS"), "udp")
	essential(os.Getenv("E2E_ESSENTIAL"))
	inside(os.Getenv("E2E_INSIDE"))
	https(os.Getenv("E2E_HTTPS"))
	behind(os.Getenv("E2E_BEHIND"))
	files(os.Getenv("E2E_FILES"))
}

func echo(address, name string) *worker.Worker {
	w := worker.New(address)
	w.Name = name
	w.OnMessage = func(c *worker.Connection, data []byte) {
		switch string(data) {
		case "pid":
			c.WriteString(strconv.Itoa(os.Getpid()))
		case "slot":
			c.WriteString(strconv.Itoa(worker.Self().ID))
		default:
			c.Write(data)
		}
	}
	return w
}

// secure serves text over TLS; E2E_CERT and E2E_KEY are its files.
func secure(address string) {
	if address == "" {
		return
	}
	w := echo("text://"+address, "secure")
	w.Count, w.Transport, w.User = 2, "ssl", os.Getenv("E2E_TLS_USER")
	w.TLS = worker.TLS{CertFile: os.Getenv("E2E_CERT"), KeyFile: os.Getenv("E2E_KEY")}
}

// unix serves text at a path, as E2E_UNIX_USER.
func unix(path string) {
	if path == "" {
		return
	}
	w := echo("text://"+path, "unix")
	w.Count, w.Transport, w.User = 2, "unix", os.Getenv("E2E_UNIX_USER")
}

// shared has a socket for each of its processes; the file E2E_SHARED_COUNT
// says how many.
func shared(scheme, address, transport string) {
	if address == "" {
		return
	}
	w := echo(scheme+address, "shared-"+transport)
	w.Count, w.Transport, w.ReusePort = 4, transport, true
	text, _ := os.ReadFile(os.Getenv("E2E_SHARED_COUNT"))
	if n, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
		w.Count = n
	}
}

// essential cannot start while the file is there.
func essential(file string) {
	if file == "" {
		return
	}
	w := worker.New("")
	w.Name, w.Life.Essential = "essential", true
	w.OnWorkerStart = func(*worker.Worker) error {
		if _, err := os.Stat(file); err == nil {
			return errors.New("it is there")
		}
		return nil
	}
}

// inside opens what E2E_INSIDE lists in each of two processes: a path, at
// which the slot is added, and a port that both share.
func inside(list string) {
	path, port, ok := strings.Cut(list, ",")
	if !ok {
		return
	}
	w := worker.New("")
	w.Name, w.Count, w.User = "inside", 2, os.Getenv("E2E_UNIX_USER")
	w.OnWorkerStart = func(w *worker.Worker) error {
		own := echo("unix://"+path+strconv.Itoa(w.ID), "own")
		both := echo("text://"+port, "both")
		both.ReusePort = true
		return errors.Join(own.Listen(), both.Listen())
	}
}

// behind tells each client whom its PROXY header names.
func behind(address string) {
	if address == "" {
		return
	}
	w := worker.New("text://" + address)
	w.Name, w.Count, w.Limits.TrustedProxies = "behind", 2, []string{"127.0.0.0/8"}
	w.OnMessage = func(c *worker.Connection, _ []byte) { c.WriteString(c.RemoteIP()) }
}

// files serves the second of a list at the first.
func files(list string) {
	address, dir, ok := strings.Cut(list, ",")
	if !ok {
		return
	}
	w := webserver.New("http://" + address)
	w.Name, w.Count = "files", 2
	w.AddRoot("", dir)
}
