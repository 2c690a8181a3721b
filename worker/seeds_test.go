package worker_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

// The examples of Workerman's manual and tutorial, line by line, with their
// seconds made milliseconds. What they print is sent or recorded here.

// serve starts a Worker of the manual, which a start must not refuse.
func serve(t *testing.T, w *worker.Worker, change ...func(*worker.Env)) *service {
	t.Helper()
	if d := w.Declaration(); d.Err != "" {
		t.Fatalf("a start refuses it: %s", d.Err)
	}
	return start(t, w, change...)
}

// upgrade makes a browser's websocket of a connection.
func (c *client) upgrade() *client {
	c.t.Helper()
	c.send("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	for line := "-"; line != "\r\n"; {
		var err error
		if line, err = c.r.ReadString('\n'); err != nil {
			c.t.Fatal(err)
		}
	}
	return c
}

// say sends a short text message of a websocket, hear expects one.
func (c *client) say(s string) {
	c.t.Helper()
	c.send(string([]byte{0x81, 0x80 | byte(len(s)), 0, 0, 0, 0}) + s)
}

func (c *client) hear(want string) {
	c.t.Helper()
	c.expect(string([]byte{0x81, byte(len(want))}) + want)
}

// number reads a line that is one.
func (c *client) number() int64 {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatal(err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

func TestSeedHello(t *testing.T) {
	w := worker.New("websocket://0.0.0.0:9501")
	w.Count = 4
	w.OnMessage = func(c *worker.Connection, data []byte) {
		c.Send("hello " + string(data))
	}
	s := serve(t, w)
	c := s.dial().upgrade()
	c.say("tom")
	c.hear("hello tom")
}

// heard is what the heartbeat keeps of a connection.
type heard struct{ lastMessageTime int64 }

func TestSeedHeartbeat(t *testing.T) {
	const heartbeat = 25
	var clock atomic.Int64 // seconds, so that 25 of them need not pass
	clock.Store(1000)

	w := worker.New("websocket://0.0.0.0:9501")
	w.Count = 4
	w.OnMessage = func(c *worker.Connection, data []byte) {
		worker.Data[heard](c).lastMessageTime = clock.Load()
		c.Send("hello" + string(data))
	}
	w.OnWorkerStart = func(w *worker.Worker) error {
		timer.Add(time.Millisecond, func() {
			now := clock.Load()
			for c := range w.Connections() {
				if h := worker.Data[heard](c); h.lastMessageTime == 0 {
					h.lastMessageTime = now
				} else if now-h.lastMessageTime > heartbeat {
					c.Close()
				}
			}
		})
		return nil
	}

	s := serve(t, w)
	lively, silent, mute := s.dial().upgrade(), s.dial().upgrade(), s.dial().upgrade()
	for _, c := range []*client{lively, silent} {
		c.say("tom")
		c.hear("hellotom")
	}
	eventually(t, "the timer has seen everybody", func() (all bool) {
		s.do(func() {
			all = true
			for c := range w.Connections() {
				all = all && worker.Data[heard](c).lastMessageTime != 0
			}
		})
		return all
	})
	clock.Add(20)
	lively.say("tom")
	lively.hear("hellotom")
	clock.Add(6)
	for _, c := range []*client{silent, mute} {
		c.expect("\x88\x02\x03\xe8")
		c.expectEnd()
	}
	lively.say("tom")
	lively.hear("hellotom")
}

func TestSeedTimeForEverybody(t *testing.T) {
	w := worker.New("Text://0.0.0.0:8484")
	w.OnWorkerStart = func(w *worker.Worker) error {
		timer.Add(10*time.Millisecond, func() {
			for c := range w.Connections() {
				c.Send(time.Now().Unix())
			}
		})
		return nil
	}
	began := time.Now().Unix()
	s := serve(t, w)
	for _, c := range []*client{s.dial(), s.dial()} {
		if first, second := c.number(), c.number(); first < began || second < first {
			t.Errorf("got %d and %d, it was %d", first, second, began)
		}
	}
}

func TestSeedConnectionCounter(t *testing.T) {
	count := 0
	w := worker.New("text://0.0.0.0:8484")
	w.OnConnect = func(c *worker.Connection) { count++ }
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Send(count) }
	w.OnClose = func(c *worker.Connection) { count-- }
	s := serve(t, w)
	first, second := s.dial(), s.dial()
	for _, c := range []*client{first, second} {
		c.send("?\n")
		c.number() // now it was accepted
	}
	first.send("?\n")
	first.expect("2\n")
	second.Close()
	eventually(t, "one is left", func() bool {
		first.send("?\n")
		return first.number() == 1
	})
}

// simpleChat is the manual's chat, whose globals are fields.
type simpleChat struct {
	globalUID   int
	connections map[int]*worker.Connection
}

type member struct{ uid int }

func (chat *simpleChat) handleConnection(c *worker.Connection) {
	chat.globalUID++
	worker.Data[member](c).uid = chat.globalUID
	chat.connections[chat.globalUID] = c
}

func (chat *simpleChat) handleMessage(c *worker.Connection, data []byte) {
	for _, other := range chat.connections {
		other.Send(fmt.Sprintf("user[%d] said: %s", worker.Data[member](c).uid, data))
	}
}

func (chat *simpleChat) handleClose(c *worker.Connection) {
	delete(chat.connections, worker.Data[member](c).uid)
}

func TestSeedSimpleChat(t *testing.T) {
	chat := &simpleChat{connections: map[int]*worker.Connection{}}
	w := worker.New("Text://0.0.0.0:2347")
	w.Count = 1
	w.OnConnect = chat.handleConnection
	w.OnMessage = chat.handleMessage
	w.OnClose = chat.handleClose

	s := serve(t, w)
	first := s.dial()
	first.send("anybody?\n")
	first.expect("user[1] said: anybody?\n")
	second := s.dial()
	second.send("me\n")
	second.expect("user[2] said: me\n")
	first.expect("user[2] said: me\n")
	second.Close()
	eventually(t, "the second has left", func() (alone bool) {
		s.do(func() { alone = len(chat.connections) == 1 })
		return alone
	})
	first.send("still?\n")
	first.expect("user[1] said: still?\n")
}

func TestSeedWorkerStartAndStop(t *testing.T) {
	got := newEvents()
	w := worker.New("websocket://0.0.0.0:8484")
	w.OnWorkerStart = func(w *worker.Worker) error {
		got.add("Worker starting...")
		return nil
	}
	w.OnWorkerStop = func(w *worker.Worker) { got.add("Worker stopping...") }
	s := serve(t, w)
	got.expect(t, "Worker starting...")
	s.do(func() { worker.StopAll(0, "") })
	got.expect(t, "Worker stopping...")
	if e := await(t, s.exits, "exit"); e.code != 0 {
		t.Errorf("exit %d, want 0", e.code)
	}
}

func TestSeedAlarmSignal(t *testing.T) {
	got := newEvents()
	w := worker.New("Text://0.0.0.0:8484")
	w.OnWorkerStart = func(w *worker.Worker) error {
		return worker.Loop().OnSignal(syscall.SIGALRM, func(os.Signal) {
			got.add("Get signal SIGALRM")
		})
	}
	s := serve(t, w)
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGALRM); err != nil {
		t.Fatal(err)
	}
	got.expect(t, "Get signal SIGALRM")
	s.do(func() {}) // the loop goes on
}

func TestSeedTimerOfProcessZero(t *testing.T) {
	for slot := range 4 {
		t.Run(strconv.Itoa(slot), func(t *testing.T) {
			ticks := newEvents()
			w := worker.New("tcp://0.0.0.0:8585")
			w.Count = 4
			w.OnWorkerStart = func(w *worker.Worker) error {
				if w.ID == 0 {
					timer.Add(time.Millisecond, func() { ticks.add("process %d of 4", w.ID) })
				}
				return nil
			}
			s := serve(t, w, func(env *worker.Env) { env.Slot = slot })
			if slot == 0 {
				ticks.expect(t, "process 0 of 4", "process 0 of 4")
				return
			}
			s.do(func() {
				if n := s.loop.TimerCount(); n != 0 {
					t.Errorf("%d timers in process %d, want 0", n, slot)
				}
			})
		})
	}
}

func TestSeedTextOverUDP(t *testing.T) {
	w := worker.New("Text://0.0.0.0:8484")
	w.Transport = "udp"
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Send("Hello") }
	s := serve(t, w)
	u := dialUDP(t, s.addr)
	u.send("anything\n")
	u.expect("Hello\n")
}
