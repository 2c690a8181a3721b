package http1

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// memory is a SessionHandler that notes what is done with it.
type memory struct {
	mu    sync.Mutex // guards all below
	data  map[string]string
	calls []string
	fails error
}

func (m *memory) note(format string, a ...any) error {
	m.calls = append(m.calls, fmt.Sprintf(format, a...))
	return m.fails
}

func (m *memory) Lock(_ context.Context, id string) (func(), error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.note("lock %.4s", id); err != nil {
		return nil, err
	}
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.calls = append(m.calls, fmt.Sprintf("unlock %.4s", id))
	}, nil
}

func (m *memory) Read(_ context.Context, id string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return []byte(m.data[id]), m.note("read %.4s", id)
}

func (m *memory) Write(_ context.Context, id string, data []byte, d time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data[id] = string(data)
	return m.note("write %.4s %s %v", id, data, d)
}

func (m *memory) Touch(_ context.Context, id string, d time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.note("touch %.4s %v", id, d)
}

func (m *memory) Destroy(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.data, id)
	return m.note("destroy %.4s", id)
}

func (m *memory) GC(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.note("gc")
}

// wantCalls compares what was done since the last time. Ids made here are random: they are
// written "new".
func (m *memory) wantCalls(t testing.TB, want ...string) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, call := range m.calls {
		verb, rest, _ := strings.Cut(call, " ")
		if id, _, _ := strings.Cut(rest, " "); id != "" && id != someID[:4] && id != "else" {
			m.calls[i] = verb + " new" + strings.TrimPrefix(rest, id)
		}
	}
	if !slices.Equal(m.calls, want) {
		t.Errorf("handler calls\n%q\nwant\n%q", m.calls, want)
	}
	m.calls = nil
}

// useMemory makes memory the handler until the test ends.
func useMemory(t testing.TB, data map[string]string) *memory {
	t.Helper()
	m := &memory{data: maps.Clone(data)}
	if m.data == nil {
		m.data = map[string]string{}
	}
	saved := Sessions
	t.Cleanup(func() { Sessions = saved })
	Sessions.Handler = m
	Sessions.GCProbability = 0
	return m
}

// visitor is a connection that goes through the life of requests as a Worker lets it.
type visitor struct {
	*conn
	t testing.TB
}

func newVisitor(t testing.TB) *visitor { return &visitor{newConn(), t} }

const withCookie = "Cookie: a=b; PHPSID=" + someID + "\r\n"

// visit calls the callback for a request with these header lines, and returns what was
// sent meanwhile.
func (v *visitor) visit(callback func(r *Request), lines ...string) string {
	v.t.Helper()
	v.sent = nil
	if err := v.receive(callback, get(lines...)); err != nil {
		v.t.Fatal(err)
	}
	http1{}.Released(v.conn)
	return string(v.sent)
}

func TestSessionOfAStrangerIsNew(t *testing.T) {
	m := useMemory(t, nil)
	v := newVisitor(t)
	answer := v.visit(func(r *Request) {
		s := r.Session()
		if len(s.ID()) < 26 || r.SessionID() != s.ID() || len(s.All()) > 0 {
			t.Errorf("id %q, values %v", s.ID(), s.All())
		}
		s.Set("a", 1)
		v.send(t, "hello")
	})
	m.wantCalls(t, `write new {"a":1} 24m0s`)
	id := slices.Collect(maps.Keys(m.data))[0]
	want := "HTTP/1.1 200 OK\r\nSet-Cookie: PHPSID=" + id +
		"; Path=/; Max-Age=1440; HttpOnly; SameSite=Lax\r\nDate: "
	if !strings.HasPrefix(answer, want) {
		t.Errorf("answer %q, want %q...", answer, want)
	}
}

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

func TestSessionIDsOfTheClient(t *testing.T) {
	known := map[string]string{someID: `{"a":1}`}
	tests := []struct {
		name, lines string
		known       bool
	}{
		{"known", "Cookie: PHPSID=" + someID, true},
		{"in quotes", `Cookie: x=y; PHPSID="` + someID + `"; z="1"`, true},
		{"second line", "Cookie: x=y\r\nCOOKIE:PHPSID=" + someID, true},
		{"behind a bad one", "Cookie: PHPSID=bad; PHPSID=" + someID, true},
		{"without blanks", "Cookie: a=b;PHPSID=" + someID + ";c=d", true},
		{"other case", "Cookie: phpsid=" + someID, false},
		{"longer name", "Cookie: XPHPSID=" + someID, false},
		{"not in the store", "Cookie: PHPSID=" + strings.Repeat("e", 26), false},
		{"too short", "Cookie: PHPSID=" + someID[1:], false},
		{"too long", "Cookie: PHPSID=" + strings.Repeat("e", 257), false},
		{"path", "Cookie: PHPSID=../../../../../etc/passwd", false},
		{"underscore", "Cookie: PHPSID=abcdefghijklmno_", false},
		{"half quoted", `Cookie: PHPSID="` + someID, false},
		{"empty", "Cookie: PHPSID=", false},
		{"no value", "Cookie: PHPSID", false},
		{"no cookie", "Accept: PHPSID=" + someID, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			useMemory(t, known)
			v := newVisitor(t)
			answer := v.visit(func(r *Request) {
				if got := r.SessionID() == someID; got != tt.known {
					t.Errorf("session %s", r.SessionID())
				}
				r.Session().Set("b", 2)
				v.send(t, "x")
			}, tt.lines+"\r\n")
			if strings.Contains(answer, "Set-Cookie") == tt.known {
				t.Errorf("answer %q", answer)
			}
		})
	}
}

func TestSessionMethods(t *testing.T) {
	m := useMemory(t, map[string]string{someID: `{"n":1,"null":null,"s":"x","z":0}`})
	v := newVisitor(t)
	v.visit(func(r *Request) {
		s := r.Session()
		check := func(what string, got, want any) {
			t.Helper()
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %#v, want %#v", what, got, want)
			}
		}
		check("Get", s.Get("n"), 1)
		check("Get of nothing", s.Get("x"), nil)
		check("Get with default", s.Get("x", 7), 7)
		check("Get of null", s.Get("null", 7), 7)
		check("Has", []bool{s.Has("n"), s.Has("null"), s.Has("x")}, []bool{true, false, false})
		check("Exists", []bool{s.Exists("n"), s.Exists("null"), s.Exists("x")},
			[]bool{true, true, false})
		check("Int, String", fmt.Sprintln(s.Int("n"), s.Int("s"), s.String("s"), s.String("n")),
			"1 0 x \n")
		check("Pull", s.Pull("s", "y"), "x")
		check("Pull again", s.Pull("s", "y"), "y")
		s.Put(map[string]any{"p": []int{1}, "q": true})
		s.Forget("z", "null", "never")
		s.Delete("q")
		check("All", s.All(), map[string]any{"n": 1, "p": []any{1}})
		check("Save", s.Save(), nil)
		m.wantCalls(t, "lock abcd", "read abcd")
		v.send(t, "x")
	}, withCookie)
	m.wantCalls(t, `write abcd {"n":1,"p":[1]} 24m0s`, "unlock abcd")
	v.visit(func(r *Request) { r.Session().Flush(); v.send(t, "x") }, withCookie)
	m.wantCalls(t, "lock abcd", "read abcd", "destroy abcd", "unlock abcd")
}

func TestSessionValuesKeepTheirTypes(t *testing.T) {
	type user struct {
		Name string
		Age  int64
	}
	useMemory(t, map[string]string{someID: `{"a":1}`})
	tests := []struct{ in, want any }{
		{"text ü", "text ü"}, {true, true}, {nil, nil}, {5, 5}, {-5, -5}, {int64(1) << 62, 1 << 62},
		{uint64(1) << 63, float64(1 << 63)}, {1.5, 1.5}, {5.0, 5.0}, {float32(2), 2.0}, {1e300, 1e300},
		{[]any{1, 2.5, "x"}, []any{1, 2.5, "x"}},
		{map[string]any{"a": []int{1}}, map[string]any{"a": []any{1}}},
		{user{"Ann", 7}, map[string]any{"Name": "Ann", "Age": 7}},
		{[]byte("hi"), "aGk="},
	}
	v := newVisitor(t)
	for _, tt := range tests {
		read := func(r *Request) {
			t.Helper()
			if got := r.Session().Get("v"); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%#v comes back as %#v, want %#v", tt.in, got, tt.want)
			}
		}
		v.visit(func(r *Request) { r.Session().Set("v", tt.in); read(r); v.send(t, "") }, withCookie)
		v.visit(func(r *Request) { read(r); v.send(t, "") }, withCookie)
	}
	v.visit(func(r *Request) {
		s := r.Session()
		s.Set("u", user{"Ann", 7})
		var u user
		if ok, err := s.Decode("u", &u); !ok || err != nil || u != (user{"Ann", 7}) {
			t.Errorf("Decode: %v, %v, %v", u, ok, err)
		}
		if ok, err := s.Decode("none", &u); ok || err != nil {
			t.Errorf("Decode of nothing: %v, %v", ok, err)
		}
		if ok, err := s.Decode("a", &u); !ok || err == nil {
			t.Errorf("Decode of another type: %v, %v", ok, err)
		}
		wantPanic(t, `Session.Set("c")`, func() { s.Set("c", make(chan int)) })
		v.send(t, "")
	}, withCookie)
}

func wantPanic(t testing.TB, want string, fn func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), want) {
			t.Errorf("panic %v, want one with %q", r, want)
		}
	}()
	fn()
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

func TestRegenerateSession(t *testing.T) {
	for _, deleteOld := range []bool{false, true} {
		m := useMemory(t, map[string]string{someID: `{"a":1}`})
		v := newVisitor(t)
		answer := v.visit(func(r *Request) {
			r.Session().Set("b", 2)
			r.RegenerateSession(deleteOld)
			r.Session().Set("c", 3)
			if r.SessionID() == someID {
				t.Error("the id is still the old one")
			}
			v.send(t, "x")
		}, withCookie)
		old := []string{`write abcd {"a":1,"b":2} 24m0s`, "unlock abcd"}
		if deleteOld {
			old[0] = "destroy abcd"
		}
		m.wantCalls(t, append([]string{"lock abcd", "read abcd"},
			append(old, `write new {"a":1,"b":2,"c":3} 24m0s`)...)...)
		if strings.Count(answer, "Set-Cookie: PHPSID=") != 1 || strings.Contains(answer, someID) {
			t.Errorf("answer %q", answer)
		}
	}
}

func TestSetSessionID(t *testing.T) {
	const other = "elsewhere-elsewhere"
	m := useMemory(t, map[string]string{someID: `{"a":1}`, other: `{"x":1}`})
	v := newVisitor(t)
	answer := v.visit(func(r *Request) {
		r.Session().Set("a", 2)
		r.SetSessionID(other).Set("y", 2)
		if got := r.Session().All(); len(got) != 2 {
			t.Errorf("values %v", got)
		}
		wantPanic(t, "breaks the pattern", func() { r.SetSessionID("short") })
		v.send(t, "x")
	}, withCookie)
	m.wantCalls(t, "lock abcd", "read abcd", "read else", `write abcd {"a":2} 24m0s`,
		"unlock abcd", "lock else", "read else", `write else {"x":1,"y":2} 24m0s`, "unlock else")
	if !strings.Contains(answer, "Set-Cookie: PHPSID="+other+";") {
		t.Errorf("answer %q", answer)
	}
}

func TestRefreshRenewsStoreAndCookie(t *testing.T) {
	m := useMemory(t, map[string]string{someID: `{"a":1}`})
	visit := func(use func(r *Request)) {
		t.Helper()
		v := newVisitor(t)
		answer := v.visit(func(r *Request) { use(r); v.send(t, "x") }, withCookie)
		m.wantCalls(t, "lock abcd", "read abcd", "touch abcd 24m0s", "unlock abcd")
		if !strings.Contains(answer, "Set-Cookie: PHPSID="+someID+";") {
			t.Errorf("answer %q", answer)
		}
	}
	visit(func(r *Request) { r.Session().Refresh() })
	Sessions.AutoUpdateTimestamp = true
	visit(func(r *Request) { r.Session() })
}

func TestSessionCookieSettings(t *testing.T) {
	useMemory(t, nil)
	Sessions.Name, Sessions.Path, Sessions.Domain = "sid", "/app", "example.com"
	Sessions.Secure, Sessions.HTTPOnly, Sessions.SameSite = true, false, http.SameSiteStrictMode
	for lifetime, age := range map[time.Duration]string{
		0: "", -1: "", time.Hour: "; Max-Age=3600", time.Millisecond: "; Max-Age=1",
	} {
		Sessions.CookieLifetime = lifetime
		v := newVisitor(t)
		answer := v.visit(func(r *Request) { r.Session().Set("a", 1); v.send(t, "x") })
		_, cookie, _ := strings.Cut(answer, "Set-Cookie: sid=")
		cookie, _, _ = strings.Cut(cookie, "\r\n")
		_, got, _ := strings.Cut(cookie, ";")
		if want := " Path=/app; Domain=example.com" + age + "; Secure; SameSite=Strict"; got != want {
			t.Errorf("lifetime %v: %q, want %q", lifetime, got, want)
		}
	}
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

func TestSessionsThatAreNoJSONAreReplaced(t *testing.T) {
	m := useMemory(t, map[string]string{someID: `a|s:3:"php";`})
	v := newVisitor(t)
	v.visit(func(r *Request) {
		if r.SessionID() == someID {
			t.Error("the id was taken over")
		}
		v.send(t, "x")
	}, withCookie)
	m.wantCalls(t, "lock abcd", "read abcd", "unlock abcd")
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
	r, err := ParseRequest(get(withCookie))
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
	if r, err = ParseRequest(get()); err != nil {
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
	Sessions.LockTimeout = 2 * time.Millisecond
	v := newVisitor(t)
	v.visit(func(r *Request) {
		for unlocked := false; !unlocked; time.Sleep(time.Millisecond) {
			m.mu.Lock()
			unlocked = slices.Contains(m.calls, "unlock abcd")
			m.mu.Unlock()
		}
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
	for done := false; !done; time.Sleep(time.Millisecond) {
		m.mu.Lock()
		done = len(m.calls) > 0
		m.mu.Unlock()
	}
	m.wantCalls(t, "gc")
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
	for waiting := 0; waiting == 0; time.Sleep(time.Millisecond) {
		q.mu.Lock()
		waiting = q.waiting
		q.mu.Unlock()
	}
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
