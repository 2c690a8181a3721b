package http1

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSessionThatIsNotUsedCostsNothing(t *testing.T) {
	m := useMemory(t, map[string]string{someID: `{"a":1}`})
	for _, use := range []func(r *Request){
		func(*Request) {},
		func(r *Request) { r.Session().Get("x") },
		func(r *Request) { r.Session().Set("x", 1); r.Session().Delete("x") },
		func(r *Request) { r.Session().Flush() },
	} {
		v := newVisitor(t)
		answer := v.visit(func(r *Request) { use(r); v.send(t, "x") })
		if strings.Contains(answer, "Cookie") {
			t.Errorf("a cookie in %q", answer)
		}
		m.wantCalls(t)
	}
	v := newVisitor(t)
	answer := v.visit(func(r *Request) {
		if got := r.Session().Get("a"); got != 1 {
			t.Errorf("a is %v", got)
		}
		v.send(t, "x")
	}, withCookie)
	m.wantCalls(t, "lock abcd", "read abcd", "unlock abcd")
	if strings.Contains(answer, "Cookie") {
		t.Errorf("a cookie in %q", answer)
	}
}

// Every kind of answer carries the cookie, once, in its head.
func TestEveryAnswerStoresTheSession(t *testing.T) {
	for _, answers := range [][]any{
		{"x"}, {[]byte("x")}, {5}, {nil}, {map[string]int{"a": 1}}, {NewResponse(302, nil, "")},
		{Response{Status: 103}, NewResponse(101, nil, "")}, {Response{Status: 103}, "x"},
	} {
		m := useMemory(t, nil)
		v := newVisitor(t)
		sent := v.visit(func(r *Request) {
			r.Session().Set("a", "b")
			for _, answer := range answers {
				v.send(t, answer)
			}
		})
		m.wantCalls(t, `write new {"a":"b"} 24m0s`)
		head := strings.LastIndex(sent, "HTTP/1.1 ")
		if strings.Count(sent, "\r\nSet-Cookie: PHPSID=") != 1 ||
			!strings.Contains(sent[head:], "\r\nSet-Cookie: PHPSID=") {
			t.Errorf("answers %v: %q", answers, sent)
		}
	}
	m := useMemory(t, nil)
	v := newVisitor(t)
	v.visit(func(r *Request) {
		r.Session().Set("a", "b")
		out, err := http1{}.EncodeBytes(nil, []byte("x"), v.conn)
		if err != nil || !strings.Contains(string(out), "\r\nSet-Cookie: ") {
			t.Errorf("%q, %v", out, err)
		}
	})
	m.wantCalls(t, `write new {"a":"b"} 24m0s`)
}

// A callback that returns without an answer stores and unlocks; what it does later is
// put on top of what others have done.
func TestLateChangesAreMerged(t *testing.T) {
	m := useMemory(t, map[string]string{someID: `{"a":1,"b":1,"c":1}`})
	v := newVisitor(t)
	var s *Session
	v.visit(func(r *Request) {
		s = r.Session()
		s.Set("a", 2)
	}, withCookie)
	m.wantCalls(t, "lock abcd", "read abcd", `write abcd {"a":2,"b":1,"c":1} 24m0s`, "unlock abcd")
	m.data[someID] = `{"a":3,"b":3,"c":3,"d":3}`
	s.Set("b", 4)
	s.Delete("c")
	v.send(t, "late")
	m.wantCalls(t, "lock abcd", "read abcd", `write abcd {"a":3,"b":4,"d":3} 24m0s`, "unlock abcd")
	s.Set("e", 5)
	m.wantCalls(t)
	if err := s.Save(); err != nil {
		t.Error(err)
	}
	m.wantCalls(t, "read abcd", `write abcd {"a":3,"b":4,"d":3,"e":5} 24m0s`)
}

func TestChangesBehindTheAnswerAreStored(t *testing.T) {
	m := useMemory(t, map[string]string{someID: `{"a":1}`})
	v := newVisitor(t)
	v.visit(func(r *Request) {
		s := r.Session()
		v.send(t, "x")
		s.Set("a", 2)
		wantPanic(t, "that was answered", func() { r.Session() })
	}, withCookie)
	m.wantCalls(t, "lock abcd", "read abcd", "unlock abcd",
		"lock abcd", "read abcd", `write abcd {"a":2} 24m0s`, "unlock abcd")
}

func TestSessionHandlerThatFails(t *testing.T) {
	m := useMemory(t, map[string]string{someID: `{"a":1}`})
	m.fails = errors.New("the disk is gone")
	v := newVisitor(t)
	v.visit(func(r *Request) { v.send(t, "page") }, withCookie)
	if !strings.HasSuffix(string(v.sent), "page") {
		t.Errorf("without a session: %q", v.sent)
	}
	v.visit(func(r *Request) {
		wantPanic(t, "session abcdefgh...: the disk is gone", func() { r.Session() })
		v.send(t, "x")
	}, withCookie)
	if v.closed {
		t.Error("closed although nothing was to be stored")
	}
	v.visit(func(r *Request) {
		r.Session().Set("a", 1)
		v.send(t, "x")
	})
	if !v.closed {
		t.Error("not closed when a session could not be stored")
	}
}

func TestSessionAboveMaxSizeIsNotStored(t *testing.T) {
	m := useMemory(t, nil)
	Sessions.MaxSize = 20
	v := newVisitor(t)
	v.visit(func(r *Request) {
		r.Session().Set("a", strings.Repeat("x", 21))
		v.send(t, "x")
	})
	m.wantCalls(t)
	if !v.closed {
		t.Error("not closed")
	}
}

func TestSessionsForSomeRequests(t *testing.T) {
	m := useMemory(t, map[string]string{someID: `{"a":1}`})
	Sessions.For = func(r *Request) bool { return r.Header("X-Wanted") != "" }
	v := newVisitor(t)
	v.visit(func(r *Request) { v.send(t, "x") }, withCookie)
	m.wantCalls(t)
	v.visit(func(r *Request) { v.send(t, "x") }, withCookie, "X-Wanted: 1\r\n")
	m.wantCalls(t, "lock abcd", "read abcd", "unlock abcd")
	v.visit(func(r *Request) { r.Session().Set("b", 1); v.send(t, "x") }, withCookie)
	m.wantCalls(t, "read abcd", "lock abcd", "read abcd", `write abcd {"a":1,"b":1} 24m0s`,
		"unlock abcd")
}

// The request that opens a websocket reads and saves by itself.
func TestSessionOfAParsedRequest(t *testing.T) {
	m := useMemory(t, map[string]string{someID: `{"a":1}`})
	r, err := ParseRequest(get(withCookie), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := r.Session()
	if s.Int("a") != 1 || s.Save() != nil {
		t.Errorf("values %v", s.All())
	}
	m.wantCalls(t, "read abcd")
	m.data[someID] = `{"a":2}`
	s.Set("b", 1)
	if err := s.Save(); err != nil {
		t.Error(err)
	}
	m.wantCalls(t, "read abcd", `write abcd {"a":2,"b":1} 24m0s`)
	if r, err = ParseRequest(get(), nil); err != nil {
		t.Fatal(err)
	}
	s = r.Session()
	s.Set("c", 1)
	if err := s.Save(); err != nil {
		t.Error(err)
	}
	m.wantCalls(t, `write new {"c":1} 24m0s`)
	if got := s.Cookie().String(); !strings.HasPrefix(got, "PHPSID="+s.ID()+"; Path=/") {
		t.Errorf("cookie %q", got)
	}
	m.fails = errors.New("the disk is gone")
	s.Set("c", 2)
	if err := s.Save(); err == nil || !strings.Contains(err.Error(), "the disk is gone") {
		t.Errorf("Save: %v", err)
	}
}

func TestSessionLockOfALongCallbackEnds(t *testing.T) {
	m := useMemory(t, map[string]string{someID: `{"a":1}`})
	v := newVisitor(t)
	v.visit(func(r *Request) {
		if !r.Session().lock.expires.Reset(0) { // it is late now
			t.Error("the lock has no end")
		}
		eventually(t, "the lock is given up", func() bool {
			m.mu.Lock()
			defer m.mu.Unlock()
			return slices.Contains(m.calls, "unlock abcd")
		})
		m.data[someID] = `{"a":1,"b":1}`
		r.Session().Set("c", 1)
		v.send(t, "x")
	}, withCookie)
	m.wantCalls(t, "lock abcd", "read abcd", "unlock abcd",
		"lock abcd", "read abcd", `write abcd {"a":1,"b":1,"c":1} 24m0s`, "unlock abcd")
}

func TestSessionGC(t *testing.T) {
	m := useMemory(t, nil)
	Sessions.GCProbability, Sessions.GCDivisor = 1, 1
	v := newVisitor(t)
	v.visit(func(r *Request) { v.send(t, "x") })
	v.visit(func(r *Request) { r.Session(); v.send(t, "x") })
	m.wantCalls(t, "gc") // a test's connection has no loop to hold up
}

func TestLockQueueIsBounded(t *testing.T) {
	q := lockQueues{byID: map[string]*lockQueue{}}
	leave, err := q.enter(t.Context(), "a", 1)
	if err != nil {
		t.Fatal(err)
	}
	entered := make(chan func())
	go func() { // ends when leave was called
		second, err := q.enter(context.Background(), "a", 1)
		if err != nil {
			t.Error(err)
		}
		entered <- second
	}()
	eventually(t, "the second waits", func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.waiting > 0
	})
	if _, err := q.enter(t.Context(), "a", 1); err != errCrowded {
		t.Errorf("a third: %v", err)
	}
	other, err := q.enter(t.Context(), "b", 1)
	if err != nil {
		t.Errorf("another session: %v", err)
	}
	other()
	leave()
	(<-entered)()
	if len(q.byID) != 0 || q.waiting != 0 {
		t.Errorf("%d sessions and %d waiting are left", len(q.byID), q.waiting)
	}
}

// eventually waits for what happens on another goroutine.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time: ", what)
		}
	}
}
