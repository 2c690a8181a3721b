package http1

import (
	"context"
	"fmt"
	"maps"
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
