// Package push lets other programs send to the visitors of the chat, by HTTP: what
// GatewayClient is in PHP, for everything that has curl.
//
//	POST /push     {"to": "all", "message": "hello"}
//	GET  /online   how many are there
//
// docs/push.md has all of it. Whoever asks needs the token, see token.go; and only
// this machine is listened to, unless WM_PUSH_HTTP says otherwise.
package push

import (
	"fmt"
	"os"
	"time"

	"github.com/workerman-go/wm/gateway"
	"github.com/workerman-go/wm/worker"
)

// Bounds of what is asked for.
const (
	maxRequestBytes = 1 << 20  // above it the connection is closed
	maxBodyBytes    = 64 << 10 // above it the answer is 413
	patience        = 5 * time.Second
)

// Start declares the endpoint.
func Start() {
	p := new(pusher)
	w := worker.New("http://" + setting("WM_PUSH_HTTP", "127.0.0.1:7274"))
	w.Name = "push"
	w.OnWorkerStart = p.onWorkerStart
	w.OnWorkerStop = p.onWorkerStop
	w.OnConnect = func(c *worker.Connection) { c.MaxPackageSize = maxRequestBytes }
	w.OnRequest = p.onRequest
}

// onWorkerStart finds the token, and the cluster of the chat: the Register knows
// its Gateways.
func (p *pusher) onWorkerStart(*worker.Worker) error {
	secret, err := token()
	if err != nil {
		// The other apps of the service need not suffer.
		worker.Log("push: no token, so everything is refused: %v", err)
		secret = ""
	}
	p.token = secret
	p.chat = &gateway.Client{
		RegisterAddress: []string{setting("WM_CHAT_REGISTER", "127.0.0.1:1236")},
		SecretKey:       os.Getenv("WM_CHAT_SECRET"),
		Timeout:         patience,
	}
	return nil
}

func (p *pusher) onWorkerStop(*worker.Worker) {
	if err := p.chat.Close(); err != nil {
		worker.Log("push: %v", fmt.Errorf("leave the Gateways: %w", err))
	}
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
