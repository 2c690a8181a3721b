package listen

import (
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// shared is an address that others may have, too.
func shared(network, host string) Address {
	return Address{Network: network, Host: host, ReusePort: true}
}

// openGroup opens n sockets at one port.
func openGroup(t *testing.T, n int) (group []*Socket, host string) {
	t.Helper()
	first := mustOpen(t, shared("tcp", "127.0.0.1:0"))
	host, _ = where(t, first.FD)
	return grow(t, []*Socket{first}, host, n), host
}

func grow(t *testing.T, group []*Socket, host string, n int) []*Socket {
	t.Helper()
	for len(group) < n {
		group = append(group, mustOpen(t, shared("tcp", host)))
	}
	return group
}

// deal makes connections and returns how many each socket got.
func deal(t *testing.T, group []*Socket, host string, connections int) []int {
	t.Helper()
	for range connections {
		dial(t, host)
	}
	counts := make([]int, len(group))
	for n, s := range group {
		for {
			fd, _, err := unix.Accept(s.FD)
			if errors.Is(err, unix.EAGAIN) {
				break
			}
			must(t, err)
			unix.Close(fd)
			counts[n]++
		}
	}
	return counts
}

func TestKernelDealsConnectionsOut(t *testing.T) {
	group, host := openGroup(t, 3)
	for n, count := range deal(t, group, host, 90) {
		if count == 0 {
			t.Errorf("socket %d got none of 90 connections", n)
		}
	}
	_, err := Open(Address{Network: "tcp", Host: host})
	if !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("a socket without ReusePort at the same port: %v", err)
	}
}

func TestSurplusSocketsGetNoNewConnections(t *testing.T) {
	group, host := openGroup(t, 4)
	if err := group[0].Steer(2); err != nil {
		t.Skipf("this kernel does not steer: %v", err)
	}
	if got := deal(t, group, host, 90); got[0] == 0 || got[1] == 0 || got[2]+got[3] != 0 {
		t.Errorf("dealt %v to four sockets, two of which are surplus", got)
	}
	for len(group) > 2 {
		last := len(group) - 1
		group[last].Close()
		group = group[:last]
	}
	if got := deal(t, group, host, 90); got[0] == 0 || got[1] == 0 {
		t.Errorf("dealt %v to the two that stay", got)
	}
	group = grow(t, group, host, 3)
	must(t, group[0].Steer(3))
	if got := deal(t, group, host, 90); got[0] == 0 || got[1] == 0 || got[2] == 0 {
		t.Errorf("dealt %v to three", got)
	}
}

func TestDatagramSocketsOfOnePort(t *testing.T) {
	first := mustOpen(t, shared("udp", "127.0.0.1:0"))
	host, _ := where(t, first.FD)
	second := mustOpen(t, shared("udp", host))
	if _, err := Open(Address{Network: "udp", Host: host}); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("a third one that does not share: %v", err)
	}
	conn, err := net.Dial("udp", host)
	must(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("x"))
	must(t, err)
	fds := []unix.PollFd{{Fd: int32(first.FD), Events: unix.POLLIN},
		{Fd: int32(second.FD), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, 5000); n != 1 {
		t.Errorf("%d of the two sockets got the datagram (%v)", n, err)
	}
}
