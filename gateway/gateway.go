package gateway

import (
	"time"

	"github.com/workerman-go/wm/worker"
)

// Gateway is a Worker that holds clients and hands what they send to
// BusinessWorkers.
type Gateway struct {
	*worker.Worker

	RegisterAddress           []string
	SecretKey                 string
	LanIP                     string
	StartPort                 int
	InnerListen               string
	PingInterval              time.Duration
	PingNotResponseLimit      int
	PingData                  string
	Router                    func(links []*Link, c *worker.Connection) *Link
	BusinessWait              time.Duration
	SendToClientBuffer        int
	SendToWorkerBuffer        int
	OnBusinessWorkerConnected func(l *Link)
	OnBusinessWorkerClose     func(l *Link)
}

// Link is the connection of a BusinessWorker, as a Gateway sees it.
type Link struct {
	// Key is the address of the BusinessWorker and its name: "127.0.0.1:chat:0".
	Key string
	// Addr is where it connected from.
	Addr string
}

// New declares a Gateway.
func New(address string) *Gateway {
	return &Gateway{Worker: worker.New(address)}
}
