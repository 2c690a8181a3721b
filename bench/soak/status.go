package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	// settleTimeout is how long the service may take, when all clients are
	// gone, to be as it was.
	settleTimeout = 30 * time.Second
	settlePoll    = 200 * time.Millisecond
)

// status is what the status command says of the service.
type status struct {
	Master    int `json:"master_pid"`
	Exits     []exits
	Processes []process
}

// exits are ends of processes.
type exits struct {
	Name       string
	Unexpected int
}

// process is one worker process.
type process struct {
	PID         int
	Worker      string `json:"worker_name"`
	Slot        int
	Connections int
	Timers      int
	Requests    int64 `json:"total_request"`
	Panics      int64 `json:"throw_exception"`
	State       string
	Answered    bool
}

func (s *service) status(ctx context.Context) (st status, err error) {
	text, err := s.command(ctx, "status", "--json")
	if err != nil {
		return st, err
	}
	if err := json.Unmarshal(text, &st); err != nil {
		return st, fmt.Errorf("status: %w", err)
	}
	return st, nil
}

// complete says that each slot has its process and no old one is left.
func (st status) complete() bool {
	return len(st.Processes) == processesOfEach*(len(overTCP)+2)
}

// accidents are processes that ended unexpectedly and panics of those that
// live.
func (st status) accidents() error {
	var found []error
	for _, e := range st.Exits {
		if e.Unexpected > 0 {
			found = append(found, fmt.Errorf("%s: %d unexpected ends", e.Name, e.Unexpected))
		}
	}
	for _, p := range st.Processes {
		if p.Panics > 0 {
			found = append(found, fmt.Errorf("%s/%d: %d panics", p.Worker, p.Slot, p.Panics))
		}
	}
	return errors.Join(found...)
}

// busy says why the service is not at rest; empty when it is.
func (st status) busy() string {
	if !st.complete() {
		return fmt.Sprintf("has %d processes", len(st.Processes))
	}
	for _, p := range st.Processes {
		if p.Connections != 0 || !p.Answered || p.State != "running" {
			return fmt.Sprintf("%s/%d (pid %d) is %s with %d connections",
				p.Worker, p.Slot, p.PID, p.State, p.Connections)
		}
	}
	return ""
}

// rest waits until no process has a connection.
func (s *service) rest(ctx context.Context) (status, error) {
	deadline := time.Now().Add(settleTimeout)
	for {
		st, err := s.status(ctx)
		why := st.busy()
		if err != nil || why == "" {
			return st, err
		}
		if time.Now().After(deadline) {
			return st, fmt.Errorf("%v after the last client: %s", settleTimeout, why)
		}
		if err := pause(ctx, settlePoll); err != nil {
			return st, err
		}
	}
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
