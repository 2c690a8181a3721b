// Package simplechat is a chat room for telnet: every line goes to everybody.
// Try it with two of
//
//	telnet 127.0.0.1 2348
package simplechat

import (
	"fmt"

	"github.com/workerman-go/wm/worker"
)

// user is what the room knows of a connection.
type user struct{ id int }

// Start declares the room. One process, so that everybody is in the same one.
func Start() {
	room := worker.New("text://127.0.0.1:2348")
	room.Name = "simplechat"
	room.Count = 1

	lastID := 0
	room.OnConnect = func(c *worker.Connection) {
		lastID++
		worker.Data[user](c).id = lastID
	}
	room.OnMessage = func(c *worker.Connection, line []byte) {
		room.Broadcast(fmt.Sprintf("user[%d] said: %s", worker.Data[user](c).id, line))
	}
}
