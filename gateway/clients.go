package gateway

import "github.com/workerman-go/wm/worker"

// clients are the clients of a Gateway process by number, by uid and by group.
type clients struct{}

// client is one of them.
type client struct {
	conn    *worker.Connection
	id      uint32 // never 0
	session string // as the BusinessWorkers encode it
	link    *Link  // that its events go to; nil: none yet
}

// add makes c a client, with a number of its own.
func (t *clients) add(conn *worker.Connection) *client { return &client{conn: conn} }

// remove forgets c, its uid and its groups.
func (t *clients) remove(c *client) {}

// byID returns the client with a number, and nil when there is none.
func (t *clients) byID(id uint32) *client { return nil }
