package e2e

import (
	"path/filepath"
	"testing"
	"time"
)

// requestRate is the load, in requests per second, under which an app is dropped in.
// On a machine that also compiles a fifth of it may fall away.
const requestRate = 1_250

// rated asks an address requestRate times a second at most, over kept and over new
// connections, until the returned function is called.
func rated(t *testing.T, address string) (all *load, stop func()) {
	t.Helper()
	const clients = 10
	all = &load{}
	began := time.Now()
	for n := range clients {
		all.group.Go(func() {
			tick := time.NewTicker(clients * time.Second / requestRate)
			defer tick.Stop()
			var c *client
			for !all.stopped.Load() {
				<-tick.C
				var err error
				c, err = askKeptAlive(c, address)
				all.count(err)
				if c != nil && n%5 == 0 { // a fifth of them are new clients
					c.conn.Close()
					c = nil
				}
			}
			if c != nil {
				c.conn.Close()
			}
		})
	}
	return all, func() {
		t.Helper()
		all.stop()
		took := time.Since(began)
		t.Logf("%d requests in %v, %.0f a second: %s", all.success.Load(),
			took.Round(time.Millisecond), float64(all.success.Load())/took.Seconds(), all)
		if all.bad() != 0 || all.success.Load() == 0 {
			t.Errorf("clients saw: %s", all)
		}
	}
}

// An app that is dropped into a loaded service is live after one reload, and no
// request of the others fails.
func TestDropIntoALoadedModule(t *testing.T) {
	web, text := freeAddress(t), freeAddress(t)
	s := newService(t)
	root := s.newModule(web)
	s.start()
	all, stop := rated(t, web)
	waitFor(t, eventLimit, "a second of load", func() bool {
		return all.success.Load() >= requestRate
	})

	s.newApp(root, "talk", text)
	dropped := time.Now()
	reload := s.begin(nil, "reload")
	waitFor(t, commandLimit, "the new app answers", func() bool {
		c, err := dialClient(text, replyLimit)
		if err != nil {
			return false
		}
		defer c.conn.Close()
		line, err := c.line("Tom", replyLimit)
		return err == nil && line == "welcome"
	})
	live := time.Since(dropped)
	s.wait(reload).wantCode(0)
	wantGreeting(t, text, "hello")

	edit(t, filepath.Join(root, "apps"), "talk", `"hello "`, `"salut "`)
	check := s.run("check").wantCode(0)
	seen := all.success.Load()
	waitFor(t, eventLimit, "another second of load", func() bool {
		return all.success.Load() >= seen+requestRate
	})
	stop()
	t.Logf("live %v after it was dropped in, build included; a check, which builds and probes "+
		"only, took %v", live.Round(time.Millisecond), check.took.Round(time.Millisecond))
}
