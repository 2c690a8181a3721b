package main

import (
	"fmt"
	"strings"
	"time"
)

// wire is how messages travel to one Worker.
type wire struct {
	worker string
	open   func(c *client, l *link) (stream, error)
}

var wires = []wire{
	{"text", (*client).openLines},
	{"unix", (*client).openLines},
	{"relay", (*client).openRelayed},
	{"frame", (*client).openFrames},
	{"websocket", (*client).openSocket},
	{"deflate", (*client).openDeflated},
	{"wss", (*client).openSecure},
}

// conversation is a client that talks over a wire.
type conversation struct {
	*client
	wire
	l *link
	s stream
}

// begin connects and makes the handshakes.
func (c *client) begin(w wire) (*conversation, error) {
	l, err := c.dial(w.worker)
	if err != nil {
		return nil, err
	}
	s, err := w.open(c, l)
	if err != nil {
		l.Close()
		return nil, err
	}
	return &conversation{c, w, l, s}, nil
}

// talk exchanges some messages and ends the connection in one of many ways.
func (w wire) talk(c *client) error {
	v, err := c.begin(w)
	if err != nil {
		return err
	}
	defer v.l.raw.Close()
	if err := v.exchange(1 + c.random.IntN(8)); err != nil {
		return err
	}
	return v.end()
}

// exchange says n messages, waiting for each answer or for all at the end.
func (v *conversation) exchange(n int) error {
	var owed []string
	together := v.chance(2)
	for i := range n {
		message := v.words(v.size())
		if err := v.s.say(message); err != nil {
			return err
		}
		if owed = append(owed, message); together && i < n-1 {
			continue
		}
		for _, want := range owed {
			if err := v.expect(want); err != nil {
				return err
			}
		}
		owed = owed[:0]
	}
	return nil
}

func (v *conversation) expect(want string) error {
	got, err := v.s.hear()
	if err != nil {
		return err
	}
	return v.must(want, got)
}

// end chooses who closes, and how.
func (v *conversation) end() error {
	switch v.random.IntN(7) {
	case 0:
		return v.l.Close()
	case 1:
		v.l.reset()
		return nil
	case 2:
		if err := v.l.shutWrite(); err != nil {
			return err
		}
		return v.l.waitForEnd()
	case 3:
		return v.wish("!end", "bye")
	case 4:
		return v.wish("!close", "bye")
	case 5:
		return v.wish("!destroy", "")
	}
	if s, ok := v.s.(*socket); ok {
		return s.bid()
	}
	return v.l.Close()
}

// wish makes the service close, which the relay does not pass on: it dials
// again.
func (v *conversation) wish(message, farewell string) error {
	if err := v.s.say(message); err != nil {
		return err
	}
	if farewell != "" {
		if err := v.expect(farewell); err != nil {
			return fmt.Errorf("%s: %w", message, err)
		}
	}
	if v.worker != "relay" {
		return v.l.waitForEnd()
	}
	if err := v.hearUp(v.s); err != nil {
		return fmt.Errorf("the relay dials again: %w", err)
	}
	return v.exchange(1)
}

const (
	floodMessages = 64
	floodSize     = 16 << 10 // as the service has it
	// smallReadBuffer makes the service keep most of a flood. A window below
	// one segment of loopback (64 KiB) would be served by timers of the kernel.
	smallReadBuffer = 128 << 10
)

// stop asks for a megabyte and stops reading for a while, or for ever.
func (w wire) stop(c *client) error {
	v, err := c.flood(w, floodMessages, time.Duration(50+c.random.IntN(300))*time.Millisecond)
	if err != nil {
		return err
	}
	defer v.l.raw.Close()
	if c.chance(2) {
		c.leave(v.l)
		return nil
	}
	for i := range floodMessages {
		number := fmt.Sprint(i)
		if err := v.expect(strings.Repeat("0", floodSize-len(number)) + number); err != nil {
			return fmt.Errorf("message %d of a flood: %w", i, err)
		}
	}
	return v.end()
}

// drown asks for much more, and goes without having read any of it.
func (w wire) drown(c *client) error {
	v, err := c.flood(w, 2*floodMessages, 100*time.Millisecond)
	if err != nil {
		return err
	}
	v.l.reset()
	return nil
}

// flood asks for n messages and reads none for a while.
func (c *client) flood(w wire, n int, silent time.Duration) (*conversation, error) {
	v, err := c.begin(w)
	if err != nil {
		return nil, err
	}
	if small, ok := v.l.raw.(interface{ SetReadBuffer(int) error }); ok {
		err = small.SetReadBuffer(smallReadBuffer)
	}
	if err == nil {
		err = v.s.say(fmt.Sprintf("!flood %d", n))
	}
	if err == nil {
		err = pause(c.ctx, silent)
	}
	if err != nil {
		v.l.raw.Close()
	}
	return v, err
}
