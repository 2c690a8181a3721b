package main

import (
	"fmt"

	"github.com/workerman-go/wm/worker"
)

// countQuestion is the message that is answered, to its sender alone, with the
// number of broadcasts so far and how often one was encoded.
const countQuestion = "count"

// counted is a message, a JSON string, that counts how often it is encoded.
type counted struct {
	json  []byte
	times *int
}

// MarshalJSON is called by each encoding.
func (m counted) MarshalJSON() ([]byte, error) {
	*m.times++
	return m.json, nil
}

// broadcast sends each message to all connections, that of the sender too.
func broadcast(address string) *worker.Worker {
	var broadcasts, encodings int
	w := worker.New("websocket://" + address)
	w.OnMessage = func(c *worker.Connection, data []byte) {
		if string(data) == countQuestion {
			c.Send(fmt.Sprintf("%d %d", broadcasts, encodings))
			return
		}
		broadcasts++
		w.Broadcast(counted{data, &encodings})
	}
	return w
}
