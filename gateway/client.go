package gateway

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Client sends to the clients of a cluster, and asks about them, from any Go
// program: a web application, a script, a job. All methods may be called by any
// goroutine. RegisterAddress alone makes a usable Client; set the fields before the
// first call, and do not copy it afterwards. Inside a BusinessWorker use Default, or
// the package functions, which go over its links.
//
// A Client finds the Gateways by itself: with the first call it connects to all of
// its Registers and from then on knows at once of a Gateway that comes or goes. It
// keeps one connection to each Gateway that it has something for, and makes it anew
// when it has ended. What one goroutine does is seen by each Gateway in that order.
// While no Register is there, what was known last counts and pushes go on.
//
// What sends returns when the packets are with the kernel, which says nothing of
// whether the client has got the message; a client that is not there any more is no
// error. What asks waits for the Gateways, in all at most Timeout.
//
// Each method ends with ctx, and after Timeout at the latest; a message that a Gateway
// does not take is given up at the deadline, not before. Gateways that could not be
// reached, or have not answered, are in a *PartialError; the others have got what was
// sent, and the values returned beside the error are what they said.
type Client struct {
	// RegisterAddress are the Registers of the cluster, "192.168.1.4:1236". One
	// that answers is enough.
	RegisterAddress []string
	// SecretKey is that of the Registers and Gateways.
	SecretKey string

	// Timeout is how long a call may take, connecting included; 0: 5 s. A Gateway
	// that leaves a question without an answer for so long is disconnected.
	Timeout time.Duration
	// ConnectTimeout is how long connecting to one Gateway or Register may take;
	// 0: 3 s.
	ConnectTimeout time.Duration
	// IdleTimeout is after how long without a call connections are closed and
	// goroutines end, at most twice as late, so that a forgotten Client holds
	// nothing; 0: 1 minute. The next call connects again.
	IdleTimeout time.Duration
	// MaxAnswer is the longest answer of one Gateway, in bytes; a longer one ends
	// the connection with ErrTooLarge. 0: 64 MiB, some hundred thousand sessions.
	MaxAnswer int

	via uplinks // of a BusinessWorker; nil elsewhere

	running sync.WaitGroup // goroutines that read

	mu      sync.Mutex // guards the fields below
	dir     *directory // nil while idle
	known   []string   // what dir knew when it was closed
	sockets map[string]*socket
	calls   int  // that run now
	recent  bool // there was one since the last tick
	ticking *time.Timer
	closed  bool
}

// Default is the Client of the package functions. A BusinessWorker sets it before
// its OnWorkerStart; another Worker or program that wants to use them sets its own,
// before their first use.
var Default *Client

// uplinks are the links of a BusinessWorker, as its Client sees them. All methods
// may be called by any goroutine.
type uplinks interface {
	// gateways returns the addresses that Registers name and those that are linked.
	// They must not be written to.
	gateways() (named, linked []string)
	// send puts a packet on the link to a Gateway, in the order of the calls of one
	// goroutine. ErrOffline: there is no link.
	send(address string, packet []byte) error
	// flush calls sent(i, nil) when what was sent before to addresses[i] is with the
	// kernel, or lost with the link, and sent(i, ErrTimeout) at the deadline. It
	// returns when it has called it for each of them; sent must not block, and may
	// be called before flush returns or by its goroutine alone.
	flush(addresses []string, deadline time.Time, sent func(i int, err error))
	// unread returns how much of what was flushed a PHP Gateway may not have read,
	// wasRead notes that it has. taken returns when its kernel has got it, for all
	// that is known, or all of it for certain. held says that the caller is the loop:
	// it stands still until the call is over.
	unread(address string) mark
	wasRead(address string, m mark)
	taken(ctx context.Context, address string, all, held bool) error
	held() bool
	// down says that the link to a named Gateway has fallen and is not back, so that
	// nobody has to wait for an answer of it.
	down(address string) bool
}

// Close ends all connections and goroutines of the Client; calls that run, and later
// ones, return ErrClosed. It waits for its goroutines, so never long. A second Close
// does nothing. The error is nil: io.Closer wants one.
func (c *Client) Close() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	c.closed = true
	c.rest()
	for address, s := range c.sockets {
		delete(c.sockets, address)
		s.close(true, ErrClosed)
	}
	if c.ticking != nil {
		c.ticking.Stop()
	}
	c.mu.Unlock()
	c.running.Wait()
	return nil
}

// rest ends the connections to Registers. Called with mu.
func (c *Client) rest() {
	if c.dir != nil {
		c.known = c.dir.close()
		c.dir = nil
	}
}

// enter counts a call that begins.
func (c *Client) enter() error {
	if c == nil {
		return ErrNoClient
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	c.calls++
	c.recent = true
	return nil
}

// leave counts a call that has ended.
func (c *Client) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls--
	c.recent = true
}

// directory returns what knows the Gateways.
func (c *Client) directory() (*directory, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	if c.dir == nil {
		c.dir = newDirectory(c, c.known)
		c.tick()
	}
	return c.dir, nil
}

// socket returns the own connection to a Gateway. Its address must come from the
// directory: a client id may name any address.
func (c *Client) socket(address string) (*socket, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	s := c.sockets[address]
	if s == nil {
		s = c.newSocket(address)
		if c.sockets == nil {
			c.sockets = make(map[string]*socket)
		}
		c.sockets[address] = s
		c.tick()
	}
	return s, nil
}

// hangUp ends the connections to Gateways that are gone. Questions to them get
// ErrOffline at once.
func (c *Client) hangUp(why string, addresses ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, address := range addresses {
		if s := c.sockets[address]; s != nil {
			s.close(false, fmt.Errorf("%w: %s", ErrOffline, why))
		}
	}
}

// keepOnly does that with all but those named.
func (c *Client) keepOnly(named []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for address, s := range c.sockets {
		if !slices.Contains(named, address) {
			delete(c.sockets, address)
			s.close(true, fmt.Errorf("%w: no Register names it any more", ErrOffline))
		}
	}
}

// tick looks after IdleTimeout for what nobody has used. Called with mu.
func (c *Client) tick() {
	if c.ticking == nil {
		c.ticking = time.AfterFunc(c.idleTimeout(), c.tidy)
	} else {
		c.ticking.Reset(c.idleTimeout())
	}
}

// tidy closes what was not used since the last time.
func (c *Client) tidy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	if c.calls == 0 {
		if !c.recent {
			c.rest()
		}
		c.recent = false
		for address, s := range c.sockets {
			if s.idle() {
				delete(c.sockets, address)
				s.close(false, fmt.Errorf("%w: not used for long", errEnded))
			}
		}
	}
	if c.dir != nil || len(c.sockets) > 0 {
		c.tick()
	}
}

func (c *Client) timeout() time.Duration     { return positive(c.Timeout, 5*time.Second) }
func (c *Client) idleTimeout() time.Duration { return positive(c.IdleTimeout, time.Minute) }
func (c *Client) maxAnswer() int             { return positive(c.MaxAnswer, 64<<20) }

func (c *Client) connectTimeout() time.Duration {
	return positive(c.ConnectTimeout, 3*time.Second)
}
