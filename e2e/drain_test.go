package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	openSockets = 2_000
	closeRate   = 2_000 // the default of worker.Life.DrainRate
	// Both processes may be ten milliseconds ahead of their rate, see worker/pace.go.
	closeBurst = closeRate/100 + 2

	codeGoingAway = 1001
	codeRestart   = 1012
)

// fleet are clients that keep a websocket open: who is told that the service
// restarts connects again at once.
type fleet struct {
	address string
	ending  atomic.Bool // nobody connects again
	open    atomic.Int64
	group   sync.WaitGroup

	mu     sync.Mutex
	ends   map[int]int // by close code
	told   []time.Time // when clients read 1012
	heard  []int       // how often each did
	faults []string
}

func newFleet(address string, n int) *fleet {
	f := &fleet{address: address, ends: map[int]int{}, heard: make([]int, n)}
	for i := range n {
		f.group.Go(func() { f.sail(i) })
	}
	return f
}

// sail is the life of a client.
func (f *fleet) sail(i int) {
	for {
		code, err := f.voyage(i)
		f.mu.Lock()
		f.ends[code]++
		if err != nil {
			f.faults = append(f.faults, fmt.Sprintf("client %d, close code %d: %v", i, code, err))
		}
		f.mu.Unlock()
		if err != nil || f.ending.Load() {
			return
		}
	}
}

// voyage is one connection: code is that of the close frame, and err what else
// went wrong. Every hundredth client talks all the time, and is told in the middle
// of that.
func (f *fleet) voyage(i int) (code int, err error) {
	c, err := dialClient(f.address, replyLimit)
	if err != nil {
		return 0, err
	}
	defer c.conn.Close()
	if err := c.upgrade(); err != nil {
		return 0, fmt.Errorf("handshake: %w", err)
	}
	f.open.Add(1)
	defer f.open.Add(-1)
	c.conn.SetDeadline(time.Now().Add(2 * commandLimit))
	if i%100 == 0 {
		landed := make(chan struct{})
		defer close(landed)
		go c.chatter(landed)
	}
	if code, err = c.untilClosed(); err != nil {
		return code, err
	}
	f.note(i, code)
	if i%2 == 0 { // others only close
		c.conn.Write(maskedFrame(8, binary.BigEndian.AppendUint16(nil, uint16(code))))
	}
	// A stop is the end of the process too: who answers its close frame may get a
	// reset for that, behind the frame.
	rest, err := io.ReadAll(c.in)
	if len(rest) > 0 || err != nil && code != codeGoingAway {
		return code, fmt.Errorf("behind the close frame came %q and %v", rest, err)
	}
	return code, nil
}

// chatter sends until the connection is over, also behind a close frame.
func (c *client) chatter(landed chan struct{}) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-landed:
			return
		case <-tick.C:
			c.conn.Write(maskedFrame(1, []byte("hello")))
		}
	}
}

// untilClosed reads echoes, and the close frame behind them.
func (c *client) untilClosed() (code int, err error) {
	for {
		opcode, body, err := c.frame()
		switch {
		case err != nil:
			return 0, fmt.Errorf("no close frame: %w", err)
		case opcode == 8 && len(body) >= 2:
			return int(binary.BigEndian.Uint16(body)), nil
		case opcode != 1 || string(body) != "hello":
			return 0, fmt.Errorf("frame %d %q", opcode, body)
		}
	}
}

// maskedFrame is a frame of a client, with a mask of zeros.
func maskedFrame(opcode byte, body []byte) []byte {
	return append([]byte{0x80 | opcode, 0x80 | byte(len(body)), 0, 0, 0, 0}, body...)
}

func (f *fleet) note(i, code int) {
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if code == codeRestart {
		f.told = append(f.told, now)
		f.heard[i]++
	}
}

// closedSince takes the closes that were noted since the last call, and how many
// clients had one.
func (f *fleet) closedSince() (told []time.Time, clients int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	told, f.told = f.told, nil
	for i, n := range f.heard {
		if f.heard[i] = 0; n > 0 {
			clients++
		}
	}
	slices.SortFunc(told, time.Time.Compare)
	return told, clients
}

// Each reload closes all websockets with 1012, one after another, and they come
// back. It runs alone: it uses the machine to the full.
//
// What is demanded of the rate holds on the busiest machine: a close frame may be
// read late, never early, so at no time more can have been read than the rate
// allows since the command began. Of the closes in each span of time, which only
// the process itself can tell, speaks worker.TestReplacedProcessClosesWebsocketsAtItsRate.
func TestReloadsWithOpenWebsockets(t *testing.T) {
	address := freeAddress(t)
	s := newService(t, "E2E_WS="+address, "E2E_COUNT=2")
	s.start()
	f := newFleet(address, openSockets)
	sum, peak := 0, 0
	f.waitOpen(s)
	for n := range 10 {
		began := time.Now()
		r := s.run("reload").wantCode(0)
		f.waitOpen(s) // all have read what the old processes sent
		told, clients := f.closedSince()
		sum += len(told)
		for i, at := range told {
			if most := closeRate*at.Sub(began).Seconds() + closeBurst; float64(i+1) > most {
				t.Fatalf("reload %d: %d websockets closed %v after it began, want %.0f at most",
					n+1, i+1, at.Sub(began), most)
			}
		}
		if clients != openSockets {
			t.Errorf("reload %d: %d of %d clients were told", n+1, clients, openSockets)
		}
		most := mostWithin(told, 100*time.Millisecond)
		peak = max(peak, most)
		t.Logf("reload %d: %v, %d closes, %d at most read within 100 ms", n+1,
			r.took.Round(time.Millisecond), len(told), most)
	}
	f.ending.Store(true)
	s.run("stop").wantCode(0)
	f.group.Wait()
	t.Logf("10 reloads with %d websockets: %d closes with 1012, %d at most read within 100 ms; "+
		"by code: %v", openSockets, sum, peak, f.ends)
	if len(f.faults) > 0 || f.ends[codeRestart] != sum || f.ends[codeGoingAway] != openSockets {
		t.Errorf("ends by code %v, %d faults: %s", f.ends, len(f.faults),
			strings.Join(f.faults[:min(5, len(f.faults))], "\n"))
	}
}

// Reloads that come while the websockets of earlier ones are still closed do not
// make more of them a second: no more can have been read at any time than the rate
// allows since the first one began, as above.
func TestReloadsCloseToEachOtherKeepTheRate(t *testing.T) {
	t.Parallel()
	const n, rate, burst = 400, 200, 4
	address := freeAddress(t)
	s := newService(t, "E2E_WS="+address, "E2E_COUNT=2", fmt.Sprintf("E2E_DRAIN_RATE=%d", rate))
	s.start()
	f := newFleet(address, n)
	f.fully(s, n)
	began := time.Now()
	var reloads []*command
	for i := range 3 {
		reloads = append(reloads, s.begin(nil, "reload"))
		waitFor(t, eventLimit, "websockets to close and the reload to be live", func() bool {
			return f.closed() >= (i+1)*n/4 && s.snapshot().Generation == i+2
		})
	}
	s.waitSnapshot("somebody in line", func(snap snapshot) bool {
		return slices.ContainsFunc(snap.Processes, func(p process) bool {
			return strings.HasSuffix(p.WaitsFor, ", in line to close them")
		})
	})
	for _, r := range reloads {
		s.wait(r).wantCode(0)
	}
	f.fully(s, n)
	told, clients := f.closedSince()
	for i, at := range told {
		if most := rate*at.Sub(began).Seconds() + burst; float64(i+1) > most {
			t.Fatalf("%d websockets closed %v after the first reload, want %.0f at most",
				i+1, at.Sub(began), most)
		}
	}
	if clients != n {
		t.Errorf("%d of %d clients were told", clients, n)
	}
	f.ending.Store(true)
	s.run("stop").wantCode(0)
	f.group.Wait()
	if len(f.faults) > 0 {
		t.Errorf("%d faults: %s", len(f.faults),
			strings.Join(f.faults[:min(5, len(f.faults))], "\n"))
	}
	t.Logf("3 reloads, %d closes within %v, %d at most read within a second", len(told),
		told[len(told)-1].Sub(began).Round(time.Millisecond), mostWithin(told, time.Second))
}

// closed is how many closes were noted.
func (f *fleet) closed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.told)
}

// waitOpen waits until all clients have an open connection, and not one to a
// process that is gone whose close frame they have yet to read.
func (f *fleet) waitOpen(s *service) { f.fully(s, openSockets) }

// fully is waitOpen for another number.
func (f *fleet) fully(s *service, all int64) {
	s.t.Helper()
	waitFor(s.t, 2*eventLimit, "all websockets to be open", func() bool {
		return f.open.Load() == all
	})
	s.waitSnapshot("all clients with the processes that run", func(snap snapshot) bool {
		var sum int64
		for _, p := range snap.Processes {
			if p.State != "running" {
				return false
			}
			sum += p.Connections
		}
		return sum == all
	})
}

// mostWithin is the largest number of moments in any span of time.
func mostWithin(sorted []time.Time, span time.Duration) (most int) {
	from := 0
	for i, at := range sorted {
		for at.Sub(sorted[from]) > span {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// A keep-alive client is answered by the old process once more, told to go, and
// finds the new one: no request fails.
func TestKeptConnectionMovesToTheNewProcess(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
	s.start()
	old := s.snapshot().pidsOf("web")[0]
	c := newClient(t, address)
	reload := s.begin(nil, "reload")
	asked := 0
	for closing := false; !closing; asked++ {
		var body string
		var err error
		if body, closing, err = c.get("/pid", replyLimit); err != nil || body != fmt.Sprint(old) {
			t.Fatalf("request %d: %q from process %d, %v", asked+1, body, old, err)
		}
	}
	if n, err := c.in.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last answer came %d bytes and %v", n, err)
	}
	if body := mustFetch(t, address, "/pid"); body == fmt.Sprint(old) {
		t.Error("the next request came to the old process")
	}
	s.wait(reload).wantCode(0)
	t.Logf("%d requests over one connection, the last was told to close", asked)
}

// Connections of three generations stay open while three graceful reloads end; the
// fourth gives the oldest process its limit, and ends too.
func TestGracefulReloadsInARow(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_TEXT="+address, "E2E_COUNT=1")
	s.start()
	var clients []*client
	var pids []int
	for range 3 {
		c := newClient(t, address)
		clients, pids = append(clients, c), append(pids, s.snapshot().pidsOf("echo-text")[0])
		if got := c.mustLine(t, "pid"); got != fmt.Sprint(pids[len(pids)-1]) {
			t.Fatalf("process %s answers, want %v", got, pids)
		}
		s.run("reload", "-g").wantCode(0)
		for i, c := range clients {
			if got := c.mustLine(t, "pid"); got != fmt.Sprint(pids[i]) {
				t.Fatalf("client %d is with process %s, want %d", i, got, pids[i])
			}
		}
	}
	s.waitSnapshot("three draining processes", func(snap snapshot) bool {
		for _, pid := range pids {
			p, _ := snap.process(pid)
			if p.State != "draining" || p.KillAt != "" ||
				!strings.HasPrefix(p.WaitsFor, "1 connection (") {
				return false
			}
		}
		return true
	})
	s.run("status").wantCode(0).wantText(
		fmt.Sprintf("Draining echo/echo-text/0 pid %d of generation 1", pids[0]),
		"without a limit, waits for 1 connection (oldest", "[draining ")
	s.run("reload", "-g").wantCode(0)
	if _, err := clients[0].line("pid", replyLimit); err == nil {
		t.Error("the process of the first generation still answers")
	}
	for i, c := range clients[1:] {
		if got := c.mustLine(t, "pid"); got != fmt.Sprint(pids[i+1]) {
			t.Errorf("client %d is with process %s, want %d", i+1, got, pids[i+1])
		}
	}
	for _, p := range s.snapshot().Processes {
		if p.Version != "0.1.0" || p.WM != "0.1.0" || p.AgeNS <= 0 {
			t.Errorf("process %d: program %q, wm %q, age %d ns", p.PID, p.Version, p.WM, p.AgeNS)
		}
	}
}
