// Package duo has two roles, which are two apps: duo/gateway at E2E_DUO_A and
// duo/businessworker at E2E_DUO_B.
package duo

import (
	"os"

	"github.com/workerman-go/wm/worker"
)

// StartGateway declares the first role.
func StartGateway() { declare("duogateway", os.Getenv("E2E_DUO_A")) }

// StartBusinessWorker declares the second role.
func StartBusinessWorker() { declare("duobusiness", os.Getenv("E2E_DUO_B")) }

func declare(name, address string) {
	if address == "" {
		return
	}
	w := worker.New("text://" + address)
	w.Name = name
	w.OnMessage = func(c *worker.Connection, data []byte) { c.WriteString(name + " " + string(data)) }
}
