// Server is the service that is soaked: wm as a library, with two processes
// for each entry of SOAK_LISTEN, "name=address" with spaces between. Its
// processes say how they are in SOAK_REPORTS (report.go).
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/workerman-go/wm/cli"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/worker"
)

const (
	// A flood must fit into a send buffer: refusals would be missing messages.
	maxSendBuffer = 8 << 20
	// maxPackage is small, so that packets beyond it are cheap to play.
	maxPackage = 256 << 10
	// handshakes that are abandoned must not outlive a lull.
	handshakeTimeout = 1500 * time.Millisecond
)

func main() {
	worker.Settings.MaxSendBufferSize = maxSendBuffer
	worker.Settings.MaxPackageSize = maxPackage
	for _, entry := range strings.Fields(os.Getenv("SOAK_LISTEN")) {
		name, address, _ := strings.Cut(entry, "=")
		declare, known := workers[name]
		if !known {
			fmt.Fprintf(os.Stderr, "SOAK_LISTEN: no Worker %q\n", name)
			os.Exit(2)
		}
		w := declare(address)
		w.Name, w.Count = name, 2
		w.Limits.HandshakeTimeout = handshakeTimeout
		w.OnWorkerStart = reportWhenAsked
	}
	cli.Main()
}

// workers are what clients can be played against, by name. Those of stays live
// through reloads: they are watched from the first cycle to the end.
var workers = map[string]func(address string) *worker.Worker{
	"text":      lines,
	"frame":     func(a string) *worker.Worker { return stays(answering("frame://" + a)) },
	"websocket": func(a string) *worker.Worker { return answering("websocket://" + a) },
	"deflate":   compressed,
	"wss":       encrypted,
	"http":      pages,
	"unix":      local,
	"udp":       func(a string) *worker.Worker { return answering("udp://" + a) },
	"relay":     relay,
}

func stays(w *worker.Worker) *worker.Worker {
	w.Reloadable = false
	return w
}

// lines believes the PROXY headers of 127.0.0.2 alone.
func lines(address string) *worker.Worker {
	w := stays(answering("text://" + address))
	w.Limits.TrustedProxies = []string{"127.0.0.2"}
	return w
}

func compressed(address string) *worker.Worker {
	w := answering("websocket://" + address)
	w.Protocol = websocket.New(websocket.Options{Compress: true})
	return w
}

func encrypted(address string) *worker.Worker {
	w := stays(answering("websocket://" + address))
	w.Transport = "ssl"
	w.TLS.CertFile = os.Getenv("SOAK_CERTIFICATE")
	return w
}

func local(path string) *worker.Worker {
	w := answering("text://" + path)
	w.Transport = "unix"
	return w
}

// pages answers with the body it got, or with the path.
func pages(address string) *worker.Worker {
	w := worker.New("http://" + address)
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		if body := r.RawBody(); len(body) > 0 {
			c.Send(string(body))
			return
		}
		c.Send(r.Path())
	}
	return w
}
