package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// askNew makes a connection for one question.
func askNew(address, text string) (string, error) {
	c, err := dialClient(address, replyLimit)
	if err != nil {
		return "", err
	}
	defer c.conn.Close()
	return c.line(text, replyLimit)
}

func addShared(all *load, n int, address string) {
	all.add(n, func() error {
		reply, err := askNew(address, "x")
		if err == nil && reply != "x" {
			err = fmt.Errorf("answer %q", reply)
		}
		return err
	})
}

func TestReusePortSpreadsAndReloads(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_PORT="+address)
	s.start()
	slots := map[string]int{}
	for range 80 {
		slot, err := askNew(address, "slot")
		if err != nil {
			t.Fatal(err)
		}
		slots[slot]++
	}
	if len(slots) != 4 {
		t.Errorf("80 connections went to the slots %v", slots)
	}
	var all load
	addShared(&all, 4, address)
	for range 20 {
		s.run("reload").wantCode(0)
	}
	all.stop()
	t.Logf("20 reloads, slots %v, clients saw: %s", slots, &all)
	if all.bad() != 0 || all.success.Load() == 0 {
		t.Errorf("clients saw: %s", &all)
	}
}

func TestReusePortChangesOfCount(t *testing.T) {
	t.Parallel()
	address, count := freeAddress(t), filepath.Join(t.TempDir(), "count")
	s := newService(t, "E2E_PORT="+address, "E2E_SHARED_COUNT="+count)
	s.start()
	var all load
	addShared(&all, 4, address)
	for _, n := range []int{1, 4, 2, 3, 1, 2, 4} {
		write(t, count, strconv.Itoa(n))
		s.run("reload").wantCode(0)
		s.waitWhole("shared-tcp", n)
	}
	all.stop()
	t.Logf("clients saw: %s", &all)
	if all.bad() != 0 || all.success.Load() == 0 {
		t.Errorf("clients saw: %s", &all)
	}
}

// freeze stops a process and waits until all its threads have noticed.
func freeze(t *testing.T, pid int) {
	t.Helper()
	kill(t, pid, unix.SIGSTOP)
	waitFor(t, eventLimit, "the process is stopped", func() bool {
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			t.Fatal(err)
		}
		return !slices.ContainsFunc(tasks, func(task os.DirEntry) bool {
			tid, _ := strconv.Atoi(task.Name())
			return procState(tid) != 'T'
		})
	})
}

// Clients that the kernel gives to a process that is stopped, or dead and not
// yet replaced, are served by another one.
func TestReusePortNeighbourServesTheQueue(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_PORT="+address)
	s.start()
	frozen := s.snapshot().pidsOf("shared-tcp")[2]
	freeze(t, frozen)
	for range 80 {
		if pid, err := askNew(address, "pid"); err != nil || pid == strconv.Itoa(frozen) {
			t.Fatalf("answer of %s, %v", pid, err)
		}
	}
	s.wantLog("serves the queue of slot 2 meanwhile")
	kill(t, frozen, unix.SIGCONT)
	waitFor(t, eventLimit, "the process serves again", func() bool {
		pid, err := askNew(address, "pid")
		return err == nil && pid == strconv.Itoa(frozen)
	})
	// Stopped first, so that clients lie in its queue when it is killed.
	freeze(t, frozen)
	var waiting []*client
	for range 40 {
		c := newClient(t, address)
		if _, err := c.conn.Write([]byte("x\n")); err != nil {
			t.Fatal(err)
		}
		waiting = append(waiting, c)
	}
	kill(t, frozen, unix.SIGKILL)
	for _, c := range waiting {
		c.conn.SetDeadline(time.Now().Add(replyLimit))
		if reply, err := c.in.ReadString('\n'); err != nil || reply != "x\n" {
			t.Errorf("answer %q, %v", reply, err)
		}
	}
	s.waitWhole("shared-tcp", 4)
}

// askDatagram sends one and waits for the answer, as often as it takes.
func askDatagram(address, text string) (string, error) {
	conn, err := net.Dial("udp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(replyLimit))
	if _, err := conn.Write([]byte(text + "\n")); err != nil {
		return "", err
	}
	buf := make([]byte, 1<<16)
	n, err := conn.Read(buf)
	return strings.TrimSuffix(string(buf[:n]), "\n"), err
}

func TestDatagrams(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_DATAGRAMS="+address)
	s.start().wantText("udp", "text://"+address)
	slots := map[string]bool{}
	for range 80 {
		slot, err := askDatagram(address, "slot")
		if err != nil {
			t.Fatal(err)
		}
		slots[slot] = true
	}
	if len(slots) != 4 {
		t.Errorf("80 senders went to the slots %v", slots)
	}
	frozen := s.snapshot().pidsOf("shared-udp")[1]
	freeze(t, frozen)
	for range 40 {
		if pid, err := askDatagram(address, "pid"); err != nil || pid == strconv.Itoa(frozen) {
			t.Fatalf("answer of %s, %v", pid, err)
		}
	}
	kill(t, frozen, unix.SIGCONT)
	s.run("reload").wantCode(0)
	if _, err := askDatagram(address, "x"); err != nil {
		t.Error(err)
	}
}
