package eventloop

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// listen returns a listening TCP socket on loopback that ends with the test.
func listen(t testing.TB) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET,
		unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	must(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(t, unix.Listen(fd, 128))
	return fd
}

// dial connects to a listener; the caller closes the descriptor.
func dial(t testing.TB, listener int) int {
	t.Helper()
	addr, err := unix.Getsockname(listener)
	must(t, err)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	must(t, unix.Connect(fd, addr))
	return fd
}

func listenAndDial(t testing.TB) (listener, client int) {
	t.Helper()
	listener = listen(t)
	return listener, dial(t, listener)
}

func accept(t *testing.T, listener int) {
	t.Helper()
	fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	must(t, err)
	unix.Close(fd)
}

func TestListenersComeFirst(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		var j journal
		for range 3 {
			far, near := pair(t)
			write(t, far, "x")
			must(t, l.Watch(near, Readable, sourceFunc(func(Events) { j.note("bytes") })))
		}
		listener, client := listenAndDial(t)
		defer unix.Close(client)
		must(t, l.WatchListener(listener, sourceFunc(func(Events) { j.note("accept") })))
		step(t, l)
		j.expect(t, "accept", "bytes", "bytes", "bytes")
		must(t, l.Unwatch(listener))
		step(t, l)
		j.expect(t, "bytes", "bytes", "bytes")
	})
}

func TestRequeuedListenerGoesOn(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		listener := listen(t)
		accepted := 0
		must(t, l.WatchListener(listener, sourceFunc(func(Events) {
			accept(t, listener)
			accepted++
			must(t, l.RequeueListener(listener))
		})))
		for range 5 {
			client := dial(t, listener)
			step(t, l)
			unix.Close(client)
		}
		if accepted != 5 {
			t.Errorf("accepted %d, want 5", accepted)
		}
	})
}

func TestListenerCannotBeRewatched(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		listener := listen(t)
		must(t, l.WatchListener(listener, sourceFunc(func(Events) {})))
		if err := l.Rewatch(listener, 0); !errors.Is(err, errListener) {
			t.Errorf("Rewatch = %v, want %v", err, errListener)
		}
		must(t, l.Unwatch(listener))
		must(t, l.WatchListener(listener, sourceFunc(func(Events) {})))
	})
}

// TestRequeueSharesConnections paces connections over loops that share one
// listener, each in its own goroutine as in processes of its own.
func TestRequeueSharesConnections(t *testing.T) {
	const loops, clients = 4, 64
	listener := listen(t)
	var counts [loops]int
	served := make(chan bool)
	var ends []func()
	var all []*Loop
	for i := range loops {
		l, err := New()
		must(t, err)
		must(t, l.WatchListener(listener, sourceFunc(func(Events) {
			fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			must(t, l.RequeueListener(listener))
			if err != nil {
				return
			}
			unix.Close(fd)
			counts[i]++
			served <- true
		})))
		all, ends = append(all, l), append(ends, run(t, l))
	}
	for range clients {
		client := dial(t, listener)
		receive(t, served, "an accept")
		unix.Close(client)
		for _, l := range all {
			until(t, func() bool { return l.Busy() == 0 })
		}
	}
	for i, l := range all {
		l.Post(l.Stop)
		ends[i]()
		must(t, l.Close())
	}
	for i, n := range counts {
		if n < clients/loops/2 || n > clients/loops*2 {
			t.Errorf("loop %d accepted %d of %d: %v", i, n, clients, counts)
			break
		}
	}
}
