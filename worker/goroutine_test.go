package worker_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/workerman-go/wm/worker"
)

func TestGoBringsTheResultToTheLoop(t *testing.T) {
	s := start(t, worker.New(""))
	failed := errors.New("failed")
	type result struct {
		v     int
		err   error
		owned bool
	}
	results := make(chan result, 1)
	for _, want := range []result{{7, nil, true}, {0, failed, true}} {
		worker.Go(context.Background(), func(context.Context) (int, error) {
			if s.loop.Owned() {
				t.Error("work runs on the loop")
			}
			return want.v, want.err
		}, func(v int, err error) { results <- result{v, err, s.loop.Owned()} })
		if got := await(t, results, "result"); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestGoSurvivesAPanic(t *testing.T) {
	s := start(t, worker.New(""))
	got := make(chan error, 1)
	worker.Go(context.Background(), func(context.Context) (int, error) { panic("boom") },
		func(_ int, err error) { got <- err })
	if err := await(t, got, "result"); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("got %v", err)
	}
	s.logged("panic in worker.Go: boom")
	if n := s.p.Figures().ThrowException; n != 1 {
		t.Errorf("throw_exception %d, want 1", n)
	}
}

func TestGoDropsDoneWhenItsClientHasGone(t *testing.T) {
	w := worker.New("text://127.0.0.1:0")
	working, finish := make(chan struct{}), make(chan struct{})
	w.OnMessage = func(c *worker.Connection, data []byte) {
		worker.Go(c.Context(), func(ctx context.Context) (string, error) {
			close(working)
			<-ctx.Done()
			<-finish
			return "", nil
		}, func(string, error) { t.Error("done was called") })
	}
	s := start(t, w)
	c := s.dial()
	c.send("go\n")
	await(t, working, "work")
	c.Close()
	close(finish)
	s.drain(false)
	await(t, s.gone, "gone")
}

func TestGoIsBounded(t *testing.T) {
	s := start(t, worker.New(""))
	const jobs, bound = 3000, 1024
	var running, most atomic.Int64
	started, finish := make(chan struct{}, jobs), make(chan struct{})
	done := 0
	for range jobs {
		worker.Go(context.Background(), func(context.Context) (int, error) {
			n := running.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			started <- struct{}{}
			<-finish
			running.Add(-1)
			return 0, nil
		}, func(int, error) { done++ })
	}
	for range bound {
		await(t, started, "work")
	}
	close(finish)
	s.drain(false)
	await(t, s.gone, "gone")
	s.do(func() {
		if done != jobs || most.Load() != bound {
			t.Errorf("%d done, at most %d at once, want %d and %d", done, most.Load(), jobs, bound)
		}
	})
}

func TestConnectionPostIsDroppedAfterClose(t *testing.T) {
	w := echo("text://127.0.0.1:0")
	accepted := conns(w)
	s := start(t, w)
	c := s.dial()
	conn := await(t, accepted, "connection")
	conn.Post(func(c *worker.Connection) { c.Send("posted") })
	c.expect("posted\n")
	s.do(func() {
		conn.Post(func(c *worker.Connection) { t.Error("called for a closed connection") })
		conn.Destroy()
	})
	s.do(func() {})
}

func TestCallsFromAnotherGoroutinePanic(t *testing.T) {
	w := echo("text://127.0.0.1:0")
	accepted := conns(w)
	s := start(t, w, func(e *worker.Env) { e.Debug = true })
	c := s.dial()
	conn := await(t, accepted, "connection")
	calls := map[string]func(){
		"Send":        func() { conn.Send("x") },
		"Write":       func() { conn.Write(nil) },
		"SendRaw":     func() { conn.SendRaw(nil) },
		"Flush":       func() { conn.Flush() },
		"Close":       func() { conn.Close() },
		"End":         func() { conn.End() },
		"Destroy":     func() { conn.Destroy() },
		"PauseRecv":   func() { conn.PauseRecv() },
		"ResumeRecv":  func() { conn.ResumeRecv() },
		"SetProtocol": func() { conn.SetProtocol(nil) },
		"Context":     func() { conn.Context() },
		"Connections": func() { w.Connections() },
		"Connection":  func() { w.Connection(1) },
		"Broadcast":   func() { w.Broadcast("x") },
		"PauseAccept": func() { w.PauseAccept() },
		"Unlisten":    func() { w.Unlisten() },
		"StopAll":     func() { worker.StopAll(0, "") },
		"Stats":       func() { worker.Stats() },
	}
	for name, call := range calls {
		func() {
			defer func() {
				got, _ := recover().(string)
				if !strings.Contains(got, "use c.Post, worker.Post or worker.Go") {
					t.Errorf("%s: got %q", name, got)
				}
			}()
			call()
		}()
	}
	c.send("alive\n")
	c.expect("alive\n")
}
