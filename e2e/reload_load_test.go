package e2e

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	wantRequests = 20_000
	wantReloads  = 5
)

// load is a set of clients that ask until stop is called.
type load struct {
	outcomes
	stopped atomic.Bool
	group   sync.WaitGroup
}

func (l *load) stop() {
	l.stopped.Store(true)
	l.group.Wait()
}

// add starts n clients; each repeats once until the load is stopped.
func (l *load) add(n int, once func() error) {
	for range n {
		l.group.Go(func() {
			for !l.stopped.Load() {
				l.count(once())
			}
		})
	}
}

// addKeepAlive starts n clients that keep their connection until the server
// says that it closes it.
func (l *load) addKeepAlive(n int, address string) {
	for range n {
		l.group.Go(func() {
			var c *client
			for !l.stopped.Load() {
				var err error
				c, err = askKeptAlive(c, address)
				l.count(err)
			}
			if c != nil {
				c.conn.Close()
			}
		})
	}
}

// keptSilence is how long a process that drains waits for the next request of a
// kept connection.
const keptSilence = 500 * time.Millisecond

// askKeptAlive makes one request over c, or over a new connection when c is
// nil, and returns the connection for the next one. A client that the machine did
// not let ask for keptSilence may find its connection closed, and asks again over
// another, as every client of HTTP does.
func askKeptAlive(c *client, address string) (*client, error) {
	if c == nil {
		return askKept(nil, address)
	}
	before := c.asking
	kept, err := askKept(c, address)
	if gone(err) && c.asked.Sub(before) >= keptSilence {
		return askKept(nil, address)
	}
	return kept, err
}

func askKept(c *client, address string) (*client, error) {
	if c == nil {
		var err error
		if c, err = dialClient(address, replyLimit); err != nil {
			return nil, err
		}
	}
	body, closing, err := c.get("/", replyLimit)
	if err == nil && strings.TrimSuffix(body, "\n") != "hello world" {
		err = fmt.Errorf("answer %q", body)
	}
	if err != nil || closing {
		c.conn.Close()
		return nil, err
	}
	return c, nil
}

// Clients with new and with kept connections see nothing of reloads. It runs
// alone: it uses the machine to the full.
func TestReloadUnderLoad(t *testing.T) {
	address, text := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_TEXT="+text, "E2E_COUNT=4")
	s.start()
	var all load
	all.add(2, func() error { return askOnce(text, "x", replyLimit) })
	all.add(3, func() error {
		body, err := fetch(address, "/", replyLimit)
		if err == nil && body != "hello world" {
			err = fmt.Errorf("answer %q", body)
		}
		return err
	})
	all.addKeepAlive(3, address)
	reloads := 0
	for ; reloads < wantReloads || all.success.Load() < wantRequests; reloads++ {
		r := s.run("reload").wantCode(0)
		t.Logf("reload %d: %v, so far %s", reloads+1, r.took.Round(time.Millisecond), &all)
	}
	all.stop()
	t.Logf("%d reloads, clients saw: %s", reloads, &all)
	if all.bad() != 0 || all.success.Load() < wantRequests {
		t.Errorf("%d reloads, clients saw: %s", reloads, &all)
	}
	s.waitWhole("web", 4)
	s.waitWhole("echo-text", 4)
}

// Ports that processes opened themselves never refuse a client in a reload, also
// when the old process has to leave before the new one comes.
func TestReloadWithInnerListeners(t *testing.T) {
	for _, overlap := range []bool{true, false} {
		t.Run(fmt.Sprintf("overlap %v", overlap), func(t *testing.T) {
			t.Parallel()
			a, b := freeAddress(t), freeAddress(t)
			s := newService(t, "E2E_INNER="+a+","+b)
			if overlap {
				outer := freeAddress(t)
				s.env = append(s.env, "E2E_INNER_HTTP="+outer)
				s.ports = append(s.ports, outer)
			}
			s.start()
			var all load
			for _, address := range []string{a, b} {
				all.add(2, func() error { return askOnce(address, "x", replyLimit) })
			}
			for range 3 {
				s.run("reload").wantCode(0)
			}
			all.stop()
			t.Logf("3 reloads, clients of inner ports saw: %s", &all)
			if all.bad() != 0 || all.success.Load() == 0 {
				t.Errorf("clients of inner ports saw: %s", &all)
			}
			s.waitWhole("inner", 2)
		})
	}
}
