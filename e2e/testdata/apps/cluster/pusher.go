package cluster

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/workerman-go/wm/gateway"
	"github.com/workerman-go/wm/worker"
)

// pusher is a Worker that pushes to the cluster from outside, as any program
// does: a line is a command, its target and a text; it answers when the call has
// returned.
func pusher(address string) {
	c := &gateway.Client{
		RegisterAddress: registers(), SecretKey: os.Getenv("E2E_SECRET"), Timeout: time.Second,
	}
	w := worker.New("text://" + address)
	w.Name = "pusher"
	w.OnMessage = func(conn *worker.Connection, line []byte) {
		words := strings.SplitN(string(line)+"  ", " ", 3)
		work := func(ctx context.Context) (string, error) {
			return order(ctx, c, words[0], words[1], strings.TrimSpace(words[2]))
		}
		worker.Go(conn.Context(), work, func(said string, err error) {
			if err != nil {
				said = "error: " + err.Error()
			}
			conn.WriteString(said)
		})
	}
	w.OnWorkerStop = func(*worker.Worker) { c.Close() }
}

// order does one line.
func order(ctx context.Context, c *gateway.Client, verb, target, text string) (string, error) {
	switch verb {
	case "all":
		return "ok", c.SendToAll(ctx, text)
	case "uid":
		return "ok", c.SendToUID(ctx, target, text)
	case "group":
		return "ok", c.SendToGroup(ctx, target, text)
	case "client":
		return "ok", c.SendToClient(ctx, target, text)
	case "count":
		n, err := c.AllClientCount(ctx)
		return fmt.Sprint(n), err
	case "list":
		list, err := c.AllClientIDList(ctx)
		return strings.Join(list, " "), err
	}
	return "unknown", nil
}
