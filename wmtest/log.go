package wmtest

import (
	"strings"
	"time"
)

// ExpectLog waits for a line of the log that contains want, behind the one that
// the last ExpectLog has found. Other lines are passed over.
func (s *Service) ExpectLog(want string) {
	s.t.Helper()
	until := time.Now().Add(s.patience)
	var passed []string
	for {
		line, err := s.lines.next(until)
		if err != nil {
			s.t.Fatalf("log: no line with %q within %v, only %q", want, s.patience, passed)
		}
		if strings.Contains(line, want) {
			return
		}
		passed = append(passed, line)
	}
}

// log takes a line of the app or of the framework. A panic in a callback has
// been counted before its line comes. Any goroutine.
func (s *Service) log(text string) {
	s.lines.put(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mum {
		return
	}
	s.t.Helper()
	panics := int64(0)
	if s.p != nil {
		panics = s.p.Figures().ThrowException
	}
	if panics > s.bad {
		s.bad = panics
		s.t.Errorf("%s", text)
		return
	}
	s.t.Logf("%s", text)
}

// report fails the test, which goes on. Any goroutine.
func (s *Service) report(format string, a ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.mum {
		s.t.Helper()
		s.t.Errorf(format, a...)
	}
}

// mute is for the end of the test, after which its t must not be used.
func (s *Service) mute() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mum = true
}
