package gateway

import "github.com/workerman-go/wm/worker"

// BusinessWorker is a Worker without an address that runs the author's code for
// the clients of all Gateways.
type BusinessWorker struct {
	*worker.Worker

	RegisterAddress []string
	SecretKey       string
	Concurrency     int

	OnConnect          func(e *Event)
	OnWebSocketConnect func(e *Event, h Handshake)
	OnMessage          func(e *Event, message []byte)
	OnValue            func(e *Event, v any)
	OnClose            func(e *Event)
}

// NewBusinessWorker declares a BusinessWorker.
func NewBusinessWorker() *BusinessWorker {
	return &BusinessWorker{Worker: worker.New("")}
}
