package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"sync/atomic"
	"syscall"
	"testing"
)

// Ports are taken from below the range the kernel gives to clients, so that no
// connection of a parallel test sits on one between its choice and its bind.
const (
	firstPort = 12000
	lastPort  = 32000
)

var nextPort atomic.Int64

// freeAddress is a loopback address that nobody uses and no other test gets.
func freeAddress(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", portsInARow(t, 1))
}

// portsInARow is the first of n ports that nobody uses and no other test gets.
func portsInARow(t testing.TB, n int) int {
	t.Helper()
	span := lastPort - firstPort
	for range span {
		last := int(nextPort.Add(int64(n))) + os.Getpid()%97*200
		first := firstPort + (last-n+1)%span
		if first+n <= lastPort && allFree(first, n) {
			return first
		}
	}
	t.Fatalf("no %d free ports in a row", n)
	return 0
}

func allFree(first, n int) bool {
	for port := first; port < first+n; port++ {
		if !free(fmt.Sprintf("127.0.0.1:%d", port)) {
			return false
		}
	}
	return true
}

// free tells whether an address can be bound.
func free(address string) bool {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	ln.Close()
	return true
}

// refused tells whether nobody listens at an address.
func refused(address string) bool {
	c, err := net.DialTimeout("tcp", address, replyLimit)
	if err == nil {
		c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

var addressPattern = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// addressesIn finds the addresses in an environment entry.
func addressesIn(entry string) []string { return addressPattern.FindAllString(entry, -1) }

// mustDial connects within the deadline of a patient client.
func mustDial(t testing.TB, address string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, replyLimit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
