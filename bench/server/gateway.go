package main

import (
	"os"
	"strconv"
	"strings"

	"github.com/workerman-go/wm/gateway"
	"github.com/workerman-go/wm/worker"
)

// pushTier declares a Gateway at address, a Register for it and a BusinessWorker,
// one process each. The Worker is that of the Gateway; the names of the others
// begin with its name.
func pushTier(name, address string) (*worker.Worker, *gateway.BusinessWorker) {
	register, inner := innerOf(name)
	gateway.NewRegister("text://" + register).Name = name + " register"

	g := gateway.New("websocket://" + address)
	g.RegisterAddress = []string{register}
	g.StartPort = inner

	b := gateway.NewBusinessWorker()
	b.Name = name + " business"
	b.RegisterAddress = []string{register}
	return g.Worker, b
}

// innerOf reads where the Register of a push tier listens and the inner port of its
// Gateway from BENCH_INNER, "name=127.0.0.1:4003/4004" with spaces between.
func innerOf(name string) (register string, port int) {
	for _, entry := range strings.Fields(os.Getenv("BENCH_INNER")) {
		if rest, ok := strings.CutPrefix(entry, name+"="); ok {
			register, number, _ := strings.Cut(rest, "/")
			port, _ := strconv.Atoi(number)
			return register, port
		}
	}
	return "", 0
}

// pushEcho answers each message with itself: client, Gateway, BusinessWorker and
// back.
func pushEcho(address string) *worker.Worker {
	w, b := pushTier("gateway", address)
	b.OnMessage = func(e *gateway.Event, message []byte) { e.Send(message) }
	return w
}

// pushAll sends each message to all clients.
func pushAll(address string) *worker.Worker {
	w, b := pushTier("gatewayall", address)
	b.OnMessage = func(_ *gateway.Event, message []byte) { gateway.SendToAll(message) }
	return w
}

// pushUID gives each client a uid of its own and two groups, and answers each
// message through the uid.
func pushUID(address string) *worker.Worker {
	w, b := pushTier("gatewayuid", address)
	b.OnConnect = func(e *gateway.Event) {
		gateway.BindUID(e.ClientID, "uid "+e.ClientID)
		gateway.JoinGroup(e.ClientID, "everybody")
		gateway.JoinGroup(e.ClientID, "room "+e.ClientID[len(e.ClientID)-2:])
	}
	b.OnMessage = func(e *gateway.Event, message []byte) {
		gateway.SendToUID("uid "+e.ClientID, message)
	}
	return w
}
