// Handshakes makes TLS connections to a server, a number of them at once and
// again after a time, and closes each as soon as its handshake is over. It is
// what happens beside the echo that bench measures; it yields its core to
// everybody (SCHED_IDLE), so that it slows down the server and not the clients.
//
// It runs until its standard input ends, and prints how many it made. One that
// fails ends it.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

func main() {
	server := flag.String("server", "", "host:port")
	count := flag.Int("count", 1, "handshakes at once")
	every := flag.Duration("every", time.Second, "time between two beginnings")
	flag.Parse()
	end := make(chan struct{})
	go func() { // ends with standard input
		io.Copy(io.Discard, os.Stdin)
		close(end)
	}()
	made, err := shakeAll(*server, *count, *every, end)
	if err != nil {
		fmt.Fprintln(os.Stderr, "handshakes:", err)
		os.Exit(1)
	}
	fmt.Println(made)
}

// shakeAll begins count handshakes at once and at every tick, whether or not earlier ones are
// over.
func shakeAll(server string, count int, every time.Duration, end chan struct{}) (int64, error) {
	var made atomic.Int64
	failed := make(chan error, 1)
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		for range count {
			go func() { // ends with its handshake, after 10 s at the latest
				if err := shake(server); err != nil {
					select {
					case failed <- err:
					default:
					}
					return
				}
				made.Add(1)
			}()
		}
		select {
		case <-end:
			return made.Load(), nil
		case err := <-failed:
			return made.Load(), err
		case <-ticks.C:
		}
	}
}

// shake makes one full handshake: without a cache no session is resumed.
func shake(server string) error {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	c, err := tls.DialWithDialer(dialer, "tcp", server, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return err
	}
	return c.Close()
}
