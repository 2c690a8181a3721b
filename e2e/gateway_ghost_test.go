package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// farHost is a network namespace with one way to it.
type farHost struct {
	t          *testing.T
	name, link string // of the namespace, and of its end of the way
	here, far  string // addresses
}

// newFarHost makes one, and removes it at the end of the test.
func newFarHost(t *testing.T) *farHost {
	t.Helper()
	needRoot(t)
	need(t, "ip", "iproute2")
	// The kernel takes a namespace down a while after its end: names are not reused.
	n := (os.Getpid() + int(marks.Add(1))) % 250
	h := &farHost{t: t, name: fmt.Sprintf("wm-e2e-%d", n), link: fmt.Sprintf("wm%df", n),
		here: fmt.Sprintf("10.213.%d.1", n), far: fmt.Sprintf("10.213.%d.2", n)}
	if text, err := h.ip("netns", "add", h.name); err != nil {
		t.Skipf("no network namespaces here: %v\n%s", err, text)
	}
	t.Cleanup(func() { h.ip("netns", "del", h.name) })
	outside := fmt.Sprintf("wm%dh", n)
	h.must("link", "add", outside, "type", "veth", "peer", "name", h.link, "netns", h.name)
	t.Cleanup(func() { h.ip("link", "del", outside) })
	h.must("addr", "add", h.here+"/30", "dev", outside)
	h.must("link", "set", outside, "up")
	h.must("-n", h.name, "addr", "add", h.far+"/30", "dev", h.link)
	h.must("-n", h.name, "link", "set", h.link, "up")
	h.must("-n", h.name, "link", "set", "lo", "up")
	return h
}

func (h *farHost) ip(args ...string) (string, error) {
	return runCommand(exec.Command("ip", args...))
}

func (h *farHost) must(args ...string) {
	h.t.Helper()
	if text, err := h.ip(args...); err != nil {
		h.t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, text)
	}
}

// run makes the commands of s run on that host.
func (h *farHost) run(s *service) {
	h.t.Helper()
	file := filepath.Join(h.t.TempDir(), "wm")
	write(h.t, file, fmt.Sprintf("#!/bin/sh\nexec ip netns exec %s %s \"$@\"\n", h.name, s.bin))
	if err := os.Chmod(file, 0o755); err != nil {
		h.t.Fatal(err)
	}
	s.bin = file
}

// vanish takes that host off the network, without a word from it.
func (h *farHost) vanish() {
	h.t.Helper()
	h.must("-n", h.name, "link", "set", h.link, "down")
}

// The clients of a host that has vanished without a word are off every list
// within ten seconds, and nobody else is.
func TestGatewayHostVanishes(t *testing.T) {
	t.Parallel()
	h := newFarHost(t)
	c := newCluster(t, "E2E_SECRET=key")
	c.env = append(c.env, fmt.Sprintf("E2E_REGISTER=%s:%d", h.here, portOf(t, c.register)))
	s := c.service("register,gateway,business,pusher")
	s.start()
	far := c.service("gateway", "E2E_LANIP="+h.far,
		fmt.Sprintf("E2E_GATEWAY=%s:%d", h.far, portOf(t, c.ws)))
	far.ports = nil // they are those of that host
	h.run(far)
	far.start()
	stays := joinCluster(t, c.ws)
	stays.mustAnswer(ask{"c": "join", "group": "g"})
	ghost := joinCluster(t, fmt.Sprintf("%s:%d", h.far, portOf(t, c.ws)))
	waitFor(t, eventLimit, "both are in the group", func() bool {
		return ghost.mustAnswer(ask{"c": "join", "group": "g"}).Size == 2
	})
	if got := c.push("count"); got != "2" {
		t.Fatalf("pusher counts %q", got)
	}
	h.vanish()
	vanished := time.Now()
	waitFor(t, 2*eventLimit, "the lists have only who is there", func() bool {
		r, err := stays.answer(ask{"c": "online"})
		return err == nil && r.Error == "" && r.Count == 1 && len(r.IDs) == 1
	})
	took := time.Since(vanished)
	waitFor(t, eventLimit, "the pusher counts who is there", func() bool {
		return c.push("count") == "1"
	})
	t.Logf("off the lists after %v", took.Round(time.Millisecond))
	if limit := 10 * time.Second; took > limit {
		t.Errorf("off the lists after %v, want at most %v", took, limit)
	}
	if r := stays.mustAnswer(ask{"c": "join", "group": "g"}); r.Size != 1 {
		t.Errorf("group after the host has vanished: %+v", r)
	}
}

// The clients of a BusinessWorker whose host has vanished are served by another one
// within ten seconds; nobody is disconnected.
func TestGatewayBusinessHostVanishes(t *testing.T) {
	t.Parallel()
	h := newFarHost(t)
	c := newCluster(t, "E2E_SECRET=key", "E2E_LANIP="+h.here)
	c.env = append(c.env, fmt.Sprintf("E2E_REGISTER=%s:%d", h.here, portOf(t, c.register)))
	c.service("register,gateway").start()
	far := c.service("business", "E2E_BUSINESS_NAME=far")
	h.run(far)
	far.start()
	bound := joinCluster(t, c.ws)
	if pid := bound.mustAnswer(ask{"c": "count"}).PID; !slices.Contains(far.processes(), pid) {
		t.Fatalf("answer of process %d, there are %v", pid, far.processes())
	}
	near := c.service("business", "E2E_BUSINESS_NAME=near")
	near.start()
	h.vanish()
	vanished := time.Now()
	if err := bound.send(ask{"c": "echo"}); err != nil { // goes with that host
		t.Fatal(err)
	}
	var r reply
	waitFor(t, 2*eventLimit, "a BusinessWorker that is there answers", func() bool {
		var err error
		r, err = bound.answerWithin(time.Second, ask{"c": "count"})
		return err == nil
	})
	took := time.Since(vanished)
	t.Logf("served again after %v", took.Round(time.Millisecond))
	if limit := 10 * time.Second; took > limit {
		t.Errorf("served again after %v, want at most %v", took, limit)
	}
	if !slices.Contains(near.processes(), r.PID) || r.Count < 2 {
		t.Errorf("answer %+v, want one of %v that has the session", r, near.processes())
	}
}
