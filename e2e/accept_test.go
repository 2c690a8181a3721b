package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// 64 clients are spread over 4 processes when each comes to processes that have
// nothing else to do. Without that pace a process that the machine has put off
// for some milliseconds misses many of them.
func TestPacedClientsAreSpreadEvenly(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_TEXT="+address, "E2E_COUNT=4")
	s.start()
	pids := s.snapshot().pidsOf("echo-text")
	perPID := map[string]int{}
	for range 64 {
		waitAsleep(t, pids)
		perPID[newClient(t, address).mustLine(t, "pid")]++
	}
	least, most := 64, 0
	for _, n := range perPID {
		least, most = min(least, n), max(most, n)
	}
	t.Logf("64 clients over 4 processes: %v", perPID)
	if len(perPID) != 4 || float64(most)/float64(least) > 1.5 {
		t.Errorf("64 clients over 4 processes: %v", perPID)
	}
}

// A client that waits in the queue when a process is killed is served by a
// sibling. Clients that the killed process had accepted are lost; those that
// time out were forgotten.
func TestPendingClientsOfAKilledProcess(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_TEXT="+address, "E2E_COUNT=4")
	s.start()
	victims := s.snapshot().pidsOf("echo-text")
	var all outcomes
	for round, victim := range victims {
		var group sync.WaitGroup
		for n := range 40 {
			if n == 20 {
				kill(t, victim, unix.SIGKILL)
			}
			group.Go(func() { all.count(askOnce(address, fmt.Sprint(round), 2*time.Second)) })
		}
		group.Wait()
	}
	t.Logf("160 clients while 4 processes were killed: %s", &all)
	if all.timeout.Load()+all.refused.Load()+all.wrong.Load() != 0 {
		t.Errorf("clients were stranded: %s", &all)
	}
	s.waitWhole("echo-text", 4)
}

// askOnce makes a connection for one line.
func askOnce(address, text string, limit time.Duration) error {
	c, err := dialClient(address, limit)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	got, err := c.line(text, limit)
	if err == nil && got != text {
		err = fmt.Errorf("answer %q to %q", got, text)
	}
	return err
}

// While all processes are blocked clients wait in the queue; killing one of
// the processes must not take its share of the queue with it.
func TestQueuedClientsSurviveTheirProcess(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=2")
	s.start()
	pids := s.snapshot().pidsOf("web")
	first, second := clientOf(t, address, pids[0]), clientOf(t, address, pids[1])
	fmt.Fprintf(first.conn, "GET /block?n=60000 HTTP/1.1\r\nHost: e2e\r\n\r\n")
	fmt.Fprintf(second.conn, "GET /block?n=1500 HTTP/1.1\r\nHost: e2e\r\n\r\n")
	s.waitSnapshot("both are busy", func(snap snapshot) bool {
		a, _ := snap.process(pids[0])
		b, _ := snap.process(pids[1])
		return a.busyFor() > 0 && b.busyFor() > 0
	})
	var all outcomes
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			_, err := fetch(address, "/", replyLimit)
			all.count(err)
		})
	}
	kill(t, pids[0], unix.SIGKILL)
	group.Wait()
	if all.bad() != 0 {
		t.Errorf("queued clients: %s", &all)
	}
}
