package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// answerTimeout is how long a process may take to report.
const answerTimeout = 10 * time.Second

// figures are what one process holds. The master, which does not report, has
// no goroutines and no heap here.
type figures struct {
	name                string // "text/0"
	descriptors         int
	goroutines          int
	objects             int64 // reachable on the heap
	heap, private       int64 // bytes
	connections, timers int
	requests, panics    int64
}

// measure returns the figures of all processes by pid. It waits until the
// service is at rest.
func (s *service) measure(ctx context.Context) (map[int]figures, error) {
	st, err := s.rest(ctx)
	if err != nil {
		return nil, err
	}
	s.questions++
	question := fmt.Sprint(s.questions)
	if err := s.ask(question); err != nil {
		return nil, err
	}
	all := make(map[int]figures)
	if all[st.Master], err = ofKernel(st.Master, figures{name: "master"}); err != nil {
		return nil, err
	}
	for _, p := range st.Processes {
		f := figures{name: fmt.Sprintf("%s/%d", p.Worker, p.Slot), connections: p.Connections,
			timers: p.Timers, requests: p.Requests, panics: p.Panics}
		if f, err = s.answer(ctx, question, p.PID, f); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		if all[p.PID], err = ofKernel(p.PID, f); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// ask makes all processes report.
func (s *service) ask(question string) error {
	path := filepath.Join(s.reports(), "question")
	if err := os.WriteFile(path+".new", []byte(question), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// answer waits for the report of one process.
func (s *service) answer(ctx context.Context, question string, pid int, f figures,
) (figures, error) {
	deadline := time.Now().Add(answerTimeout)
	for {
		var report struct {
			Question   string
			Goroutines int
			Objects    int64
			Heap       int64
		}
		text, err := os.ReadFile(filepath.Join(s.reports(), fmt.Sprint(pid)))
		if err == nil {
			err = json.Unmarshal(text, &report)
		}
		if err == nil && report.Question == question {
			f.goroutines, f.objects, f.heap = report.Goroutines, report.Objects, report.Heap
			return f, nil
		}
		if time.Now().After(deadline) {
			return f, fmt.Errorf("no report of process %d in %v", pid, answerTimeout)
		}
		if err := pause(ctx, settlePoll/4); err != nil {
			return f, err
		}
	}
}

// ofKernel adds what is known outside of the process.
func ofKernel(pid int, f figures) (figures, error) {
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return f, err
	}
	f.descriptors = len(open)
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return f, err
	}
	_, rest, _ := bytes.Cut(text, []byte("\nRssAnon:"))
	var kilobytes int64
	if _, err := fmt.Sscanf(string(rest), "%d kB", &kilobytes); err != nil {
		return f, fmt.Errorf("RssAnon of process %d: %w", pid, err)
	}
	f.private = kilobytes << 10
	return f, nil
}
