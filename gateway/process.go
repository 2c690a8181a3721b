package gateway

import "github.com/workerman-go/wm/gateway/wire"

// process is what one Gateway process knows. Owned by its loop; no locking.
type process struct {
	g       *Gateway
	clients clients
	links   links
}

// links are the BusinessWorkers that have connected.
type links struct{}

// event hands something that happened to a client to a BusinessWorker; flag says
// what body is. What cannot go out now is held.
func (p *process) event(c *client, what wire.Command, flag wire.Flag, body []byte) {}

// moved is called when the link of c has changed or gone.
func (p *process) unbind(c *client) {}
