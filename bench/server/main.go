// Server is the program under test: wm as a library, with one Worker of one
// process for each entry of BENCH_LISTEN, "name=host:port" with spaces between.
//
//	BENCH_LISTEN="text=127.0.0.1:4001 http=127.0.0.1:4002" server start
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/workerman-go/wm/cli"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

func main() {
	for _, entry := range strings.Fields(os.Getenv("BENCH_LISTEN")) {
		name, address, _ := strings.Cut(entry, "=")
		declare, known := workers[name]
		if !known {
			fmt.Fprintf(os.Stderr, "BENCH_LISTEN: no Worker %q\n", name)
			os.Exit(2)
		}
		declare(address).Name = name
	}
	cli.Main()
}

// workers are what can be measured, by name.
var workers = map[string]func(address string) *worker.Worker{
	"tcp":       func(a string) *worker.Worker { return echo("tcp://" + a) },
	"text":      func(a string) *worker.Worker { return echo("text://" + a) },
	"frame":     func(a string) *worker.Worker { return echo("frame://" + a) },
	"websocket": func(a string) *worker.Worker { return echo("websocket://" + a) },
	"wss":       encrypted,
	"http":      hello,
	"file":      files,
	"handler":   handled,
	"accesslog": noted,
	"session":   visits,
	"broadcast": broadcast,

	"gateway":    pushEcho,
	"gatewayall": pushAll,
	"gatewayuid": pushUID,
}

// echo answers each message with itself.
func echo(address string) *worker.Worker {
	w := worker.New(address)
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
	return w
}

// encrypted is the websocket echo over TLS, with the certificate and key in
// the file that BENCH_CERTIFICATE names.
func encrypted(address string) *worker.Worker {
	w := echo("websocket://" + address)
	w.Transport = "ssl"
	w.TLS.CertFile = os.Getenv("BENCH_CERTIFICATE")
	return w
}

// files answers with the files of the directory that BENCH_FILES names.
func files(address string) *worker.Worker {
	w := worker.New("http://" + address)
	dir := os.Getenv("BENCH_FILES")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Send(http1.File(dir + r.Path())) }
	return w
}
