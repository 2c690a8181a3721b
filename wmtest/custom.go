package wmtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/workerman-go/wm/worker"
)

// custom speaks a protocol of the app, which nobody else knows: it is a dialled
// connection on the loop of the service.
type custom struct {
	s    *Service
	c    *worker.Connection
	came inbox
}

func (s *Service) dialCustom(f found) (talk, error) {
	t := &custom{s: s}
	stood := make(chan error, 2) // the first counts
	s.do("Dial", s.patience, func(done func()) {
		t.c = t.dial(f)
		t.c.OnConnect = func(*worker.Connection) { stood <- nil }
		t.c.OnError = func(_ *worker.Connection, code worker.ErrorCode, err error) {
			if code == worker.ConnectFail {
				stood <- err
			}
		}
		t.c.OnClose = func(*worker.Connection) { t.came.end() }
		t.c.OnMessage = func(_ *worker.Connection, data []byte) { t.came.put(string(data)) }
		t.c.OnValue = func(_ *worker.Connection, v any) { t.came.put(textOf(v)) }
		done()
	})
	select {
	case err := <-stood:
		return t, err
	case <-time.After(s.patience):
		t.abort()
		return nil, errSilence
	}
}

// dial connects by the scheme of the Worker's address, or with the protocol
// that was set by hand.
func (t *custom) dial(f found) *worker.Connection {
	dialer := worker.Dialer{Transport: f.d.Transport}
	if f.d.Transport == "ssl" {
		dialer.TLS.Config = anyServer()
	}
	scheme, _, _ := strings.Cut(f.d.Listen, "://")
	if f.w.Protocol != nil {
		scheme = f.d.Transport
	}
	c := dialer.Dial(scheme + "://" + f.addr.String())
	if f.w.Protocol != nil {
		c.SetProtocol(f.w.Protocol)
	}
	return c
}

// textOf is how Expect sees a value.
func textOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

func (t *custom) send(v any) error {
	var err error
	t.s.do("Send", t.s.patience, func(done func()) {
		err = t.c.Send(v)
		done()
	})
	if errors.Is(err, worker.ErrClosed) {
		return errEnded
	}
	return err
}

func (t *custom) receive(_ string, until time.Time) (string, error) { return t.came.next(until) }

func (t *custom) close() { t.s.loop.Post(func() { t.c.Close() }) }
func (t *custom) abort() { t.s.loop.Post(func() { t.c.Destroy() }) }
