package gateway

import "time"

// Client is the way into a cluster for any Go program.
type Client struct {
	RegisterAddress []string
	SecretKey       string
	Timeout         time.Duration

	via uplinks // of a BusinessWorker; nil elsewhere
}

// Default is the Client of the package functions.
var Default *Client

// uplinks are the links of a BusinessWorker, as its Client sees them. All methods
// may be called by any goroutine.
type uplinks interface {
	// gateways returns the addresses that Registers name and those that are linked.
	gateways() (named, linked []string)
	// send puts a packet on the link to a Gateway, in the order of the calls of one
	// goroutine. ErrOffline: there is no link.
	send(address string, packet []byte) error
	// flush returns when what was sent before is with the kernel, or ErrTimeout.
	flush(deadline time.Time) error
}
