package wmtest

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeT is a test that may fail without failing the real one.
type fakeT struct {
	testing.TB
	mu       sync.Mutex // guards the fields below
	failed   bool
	said     []string
	cleanups []func()
}

// failing runs body as a test of its own and returns what it said. Deadlines
// are short there.
func failing(t *testing.T, start func(), body func(f *fakeT, s *Service)) *fakeT {
	t.Helper()
	f := &fakeT{TB: t}
	ended := make(chan struct{})
	go func() { // ends with the body or with its failure
		defer close(ended)
		defer f.cleanUp()
		s := Run(f, start)
		s.patience = 500 * time.Millisecond
		body(f, s)
	}()
	select {
	case <-ended:
	case <-time.After(2 * longPatience):
		t.Fatal("the test does not end")
	}
	return f
}

func (f *fakeT) cleanUp() {
	for len(f.cleanups) > 0 {
		last := len(f.cleanups) - 1
		fn := f.cleanups[last]
		f.cleanups = f.cleanups[:last]
		fn()
	}
}

// expect checks that the test has failed and has said each of want.
func (f *fakeT) expect(t *testing.T, want ...string) {
	t.Helper()
	said := f.text()
	if !f.Failed() {
		t.Errorf("the test has not failed; it said %q", said)
	}
	for _, w := range want {
		if !strings.Contains(said, w) {
			t.Errorf("said %q, want %q", said, w)
		}
	}
}

func (f *fakeT) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.said, "\n")
}

func (f *fakeT) say(fails bool, format string, a ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = f.failed || fails
	f.said = append(f.said, fmt.Sprintf(format, a...))
}

func (f *fakeT) Failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

func (f *fakeT) Helper()                        {}
func (f *fakeT) Cleanup(fn func())              { f.cleanups = append(f.cleanups, fn) }
func (f *fakeT) Logf(format string, a ...any)   { f.say(false, format, a...) }
func (f *fakeT) Errorf(format string, a ...any) { f.say(true, format, a...) }
func (f *fakeT) FailNow()                       { f.say(true, "FailNow"); runtime.Goexit() }
func (f *fakeT) Fatal(a ...any)                 { f.Fatalf("%s", fmt.Sprint(a...)) }
func (f *fakeT) Fatalf(format string, a ...any) { f.say(true, format, a...); runtime.Goexit() }
