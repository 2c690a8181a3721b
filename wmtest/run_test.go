package wmtest

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

// echo declares a Worker that sends back what it gets.
func echo(name, address string) *worker.Worker {
	w := worker.New(address)
	w.Name = name
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
	return w
}

func TestAddressesOfARunningServiceAreNotTaken(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	address := "text://" + busy.Addr().String()
	s := Run(t, func() {
		echo("one", address)
		echo("two", address)
	})
	one, two := s.Addr("one"), s.Addr("two")
	if one == two || one == busy.Addr().String() {
		t.Errorf("addresses %s and %s beside %s", one, two, busy.Addr())
	}
	c := s.Dial("two")
	c.Send("line")
	c.Expect("line")
}

func TestOneStartAfterAnother(t *testing.T) {
	first := func() {
		worker.Settings.MaxPackageSize = 100
		protocol.Register("mine", text.Protocol)
		echo("mine", "mine://127.0.0.1:1")
	}
	second := func() {
		protocol.Register("mine", upper{})
		echo("mine", "mine://127.0.0.1:1")
	}
	before := worker.Settings
	for _, tt := range []struct {
		start func()
		want  string
	}{{first, "Hello"}, {second, "HELLO"}, {first, "Hello"}} {
		t.Run(tt.want, func(t *testing.T) {
			c := Run(t, tt.start).Dial("mine")
			c.Send("Hello")
			c.Expect(tt.want)
		})
		if worker.Settings != before || worker.Self() != nil {
			t.Errorf("Settings %+v, Self %v after the test", worker.Settings, worker.Self())
		}
		if p, found := protocol.Lookup("mine"); found {
			t.Errorf("protocol %T is still registered", p)
		}
	}
}

// upper is text whose messages arrive in capitals.
type upper struct{}

func (upper) Input(buf []byte, c protocol.Conn) (int, error) { return text.Protocol.Input(buf, c) }

func (upper) Decode(frame []byte, c protocol.Conn) (any, error) {
	v, err := text.Protocol.Decode(frame, c)
	if err != nil {
		return nil, err
	}
	return []byte(strings.ToUpper(string(v.([]byte)))), nil
}

func (upper) Encode(dst []byte, v any, c protocol.Conn) ([]byte, error) {
	return text.Protocol.Encode(dst, v, c)
}

func TestWorkersEndInOrder(t *testing.T) {
	var order []string
	var one net.Conn // stays open
	var err error
	note := func(what string) { order = append(order, what) }
	t.Run("service", func(t *testing.T) {
		s := Run(t, func() {
			for _, name := range []string{"one", "two"} {
				w := echo(name, "text://127.0.0.1:1")
				w.OnWorkerStop = func(*worker.Worker) { note("stop " + name) }
				w.OnClose = func(*worker.Connection) { note("close " + name) }
			}
		})
		two := s.Addr("two")
		s.Do("one", func(*worker.Worker) {
			worker.Dial("text://" + two).OnClose = func(*worker.Connection) { note("close dialled") }
		})
		if one, err = net.Dial("tcp", s.Addr("one")); err != nil {
			t.Fatal(err)
		}
		s.Do("one", func(*worker.Worker) { note("end") })
	})
	one.Close()
	want := "end, stop one, stop two, close one, close two, close dialled"
	if got := strings.Join(order, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWorkersOfListenAreFound(t *testing.T) {
	s := Run(t, func() {
		w := worker.New("")
		w.Name = "parent"
		w.OnWorkerStart = func(*worker.Worker) error {
			return echo("inner", "text://127.0.0.1:5678").Listen()
		}
	})
	for _, name := range []string{"inner", "text://127.0.0.1:5678"} {
		c := s.Dial(name)
		c.Send("x")
		c.Expect("x")
	}
}

func TestAMistakeInStartFailsTheTest(t *testing.T) {
	boom := errors.New("no database")
	tests := []struct {
		name  string
		start func()
		want  string
	}{
		{"nothing declared", func() {}, "start declares no Worker"},
		{"bad address", func() { worker.New("text://nowhere") }, "run_test.go:"},
		{"no callback", func() { worker.New("text://127.0.0.1:1") }, "OnMessage is not set"},
		{"no certificate", func() {
			echo("fine", "text://127.0.0.1:1")
			echo("s", "ssl://127.0.0.1:1").TLS.CertFile = "/missing.pem"
		}, "/missing.pem"},
		{"failed start", func() {
			echo("fine", "text://127.0.0.1:1")
			echo("bad", "text://127.0.0.1:1").OnWorkerStart = func(*worker.Worker) error { return boom }
		}, "the start failed: OnWorkerStart: Worker bad: no database"},
		{"panic in OnWorkerStart", func() {
			worker.New("").OnWorkerStart = func(*worker.Worker) error { panic("boom") }
		}, "OnWorkerStart: panic: boom"},
		{"conflict", func() {
			protocol.Register("twice", text.Protocol)
			protocol.Register("twice", upper{})
			echo("x", "text://127.0.0.1:1")
		}, `protocol "twice" is registered by`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := failing(t, tt.start, func(*fakeT, *Service) { t.Error("the test went on") })
			f.expect(t, tt.want)
		})
	}
}

func TestOneServiceAtATime(t *testing.T) {
	Run(t, func() { worker.New("") })
	failing(t, func() {}, func(*fakeT, *Service) { t.Error("the test went on") }).
		expect(t, "another Service runs")
}

func TestAPanicInACallbackFailsTheTest(t *testing.T) {
	f := failing(t, func() {
		echo("chat", "text://127.0.0.1:1").OnMessage = func(*worker.Connection, []byte) {
			panic("boom")
		}
	}, func(_ *fakeT, s *Service) {
		c := s.Dial("chat")
		c.Send("x")
		s.ExpectLog("boom")
		c.Send("still served")
		s.ExpectLog("boom")
	})
	f.expect(t, "panic in OnMessage: boom", "run_test.go:")
}

func TestWorkThatDoesNotEndFailsTheTest(t *testing.T) {
	release := make(chan struct{})
	f := failing(t, func() { worker.New("") }, func(_ *fakeT, s *Service) {
		worker.Go(context.Background(), func(context.Context) (int, error) {
			<-release
			return 0, nil
		}, nil)
	})
	close(release)
	f.expect(t, "still running at the end of the test: 1 worker.Go")
}

func TestWorkIsWaitedFor(t *testing.T) {
	var done bool
	t.Run("service", func(t *testing.T) {
		Run(t, func() {
			worker.New("").OnWorkerStop = func(*worker.Worker) {
				worker.Go(context.Background(), func(context.Context) (int, error) { return 1, nil },
					func(int, error) { done = true })
			}
		})
	})
	if !done {
		t.Error("what OnWorkerStop began was not finished")
	}
}

func TestTheEndOfTheProcessIsNamed(t *testing.T) {
	f := failing(t, func() {
		echo("chat", "text://127.0.0.1:1").OnMessage = func(*worker.Connection, []byte) {
			worker.StopAll(3, "had enough")
		}
	}, func(f *fakeT, s *Service) {
		c := s.Dial("chat")
		c.Send("x")
		c.ExpectClose()
		s.ExpectLog("had enough")
		if f.Failed() {
			t.Errorf("StopAll alone failed the test: %s", f.text())
		}
		s.Dial("chat")
	})
	f.expect(t, "Worker chat does not listen: the process has ended itself with 3, had enough")
}

func TestTimersOfTheTestBeforeAreGone(t *testing.T) {
	ran := 0
	start := func() {
		timer.After(time.Minute, func() { ran++ })
		worker.New("").OnWorkerStart = func(*worker.Worker) error {
			timer.Add(time.Minute, func() { ran++ })
			return nil
		}
	}
	for range 2 {
		t.Run("service", func(t *testing.T) { Run(t, start).Advance(time.Minute) })
	}
	if ran != 4 {
		t.Errorf("ran %d times, want twice in each service", ran)
	}
}
