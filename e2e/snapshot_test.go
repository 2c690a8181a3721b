package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// snapshot is the part of `status --json` that the tests look at.
type snapshot struct {
	Schema     int    `json:"schema"`
	Version    string `json:"version"`
	Mode       string `json:"mode"`
	State      string `json:"state"`
	MasterPID  int    `json:"master_pid"`
	PidFile    string `json:"pid_file"`
	LogFile    string `json:"log_file"`
	RunDir     string `json:"run_dir"`
	Generation int    `json:"generation"`

	Workers []struct {
		Key    string `json:"key"`
		Name   string `json:"name"`
		Listen string `json:"listen"`
		Count  int    `json:"count"`
	} `json:"workers"`
	Exits []struct {
		Name       string `json:"name"`
		Status     int    `json:"status"`
		Code       int    `json:"code"`
		Signal     string `json:"signal"`
		Count      int    `json:"count"`
		Unexpected int    `json:"unexpected"`
	} `json:"exits"`
	Processes []process `json:"processes"`
}

type process struct {
	PID            int    `json:"pid"`
	Key            string `json:"key"`
	Worker         string `json:"worker_name"`
	Slot           int    `json:"slot"`
	Listen         string `json:"listening"`
	State          string `json:"state"`
	Generation     int    `json:"generation"`
	Memory         int64  `json:"memory"`
	Answered       bool   `json:"answered"`
	Connections    int64  `json:"connections"`
	TotalRequest   int64  `json:"total_request"`
	SendFail       int64  `json:"send_fail"`
	ThrowException int64  `json:"throw_exception"`
	Timers         int64  `json:"timers"`
	BusyNS         int64  `json:"busy_ns"`
	AgeNS          int64  `json:"age_ns"`
	Version        string `json:"version"`
	WM             string `json:"wm_version"`
	KillAt         string `json:"kill_at"`
	WaitsFor       string `json:"waits_for"`
	LastCause      string `json:"last_cause"`
	LastWords      string `json:"last_words"`
}

// snapshot runs `wm status --json`.
func (s *service) snapshot() snapshot {
	s.t.Helper()
	r := s.run("status", "--json").wantCode(0)
	var snap snapshot
	if err := json.Unmarshal([]byte(r.stdout), &snap); err != nil {
		s.t.Fatalf("wm status --json: %v\n%s", err, r.out)
	}
	return snap
}

// waitSnapshot asks for the status until ok says yes of one.
func (s *service) waitSnapshot(what string, ok func(snapshot) bool) snapshot {
	s.t.Helper()
	var last snapshot
	found := pollAt(askEvery, eventLimit, func() bool {
		last = s.snapshot()
		return ok(last)
	})
	if !found {
		text, _ := json.MarshalIndent(last, "", " ")
		s.t.Fatalf("status never shows: %s; last:\n%s", what, text)
	}
	return last
}

// running lists the processes of a Worker in state running, in order of slots.
func (snap snapshot) running(worker string) []process {
	var out []process
	for _, p := range snap.Processes {
		if p.Worker == worker && p.State == "running" {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b process) int { return a.Slot - b.Slot })
	return out
}

// pidsOf lists the pids of the running processes of a Worker by slot.
func (snap snapshot) pidsOf(worker string) []int {
	var out []int
	for _, p := range snap.running(worker) {
		out = append(out, p.PID)
	}
	return out
}

// process finds a row by pid.
func (snap snapshot) process(pid int) (process, bool) {
	for _, p := range snap.Processes {
		if p.PID == pid {
			return p, true
		}
	}
	return process{}, false
}

// exitCount is how often processes of a Worker ended with a raw wait word.
func (snap snapshot) exitCount(worker string, status int) int {
	for _, e := range snap.Exits {
		if e.Name == worker && e.Status == status {
			return e.Count
		}
	}
	return 0
}

// wantSame reports when the master or a process of the Workers is another one
// than before.
func (snap snapshot) wantSame(t testing.TB, before snapshot, workers ...string) {
	t.Helper()
	if snap.MasterPID != before.MasterPID {
		t.Errorf("the master was %d and is %d", before.MasterPID, snap.MasterPID)
	}
	for _, worker := range workers {
		if was, is := before.pidsOf(worker), snap.pidsOf(worker); !slices.Equal(was, is) {
			t.Errorf("the processes of %s were %v and are %v", worker, was, is)
		}
	}
}

// wantWhole reports when a Worker has not exactly count running processes in
// the slots 0..count-1, all of one generation and nothing else of it.
func (snap snapshot) wantWhole(t testing.TB, worker string, count int) {
	t.Helper()
	if err := snap.whole(worker, count); err != nil {
		t.Error(err)
	}
}

func (snap snapshot) whole(worker string, count int) error {
	all := 0
	for _, p := range snap.Processes {
		if p.Worker == worker {
			all++
		}
	}
	rows := snap.running(worker)
	if len(rows) != count || all != count {
		return fmt.Errorf("%s: %d running processes of %d, want %d", worker, len(rows), all, count)
	}
	for i, p := range rows {
		if p.Slot != i || p.Generation != rows[0].Generation {
			return fmt.Errorf("%s: process %d: slot %d of generation %d, want slot %d of %d",
				worker, p.PID, p.Slot, p.Generation, i, rows[0].Generation)
		}
	}
	return nil
}

// waitWhole waits until a Worker has exactly count processes of one generation.
func (s *service) waitWhole(worker string, count int) snapshot {
	s.t.Helper()
	what := fmt.Sprintf("%d processes of %s, one generation", count, worker)
	return s.waitSnapshot(what, func(snap snapshot) bool { return snap.whole(worker, count) == nil })
}

// busyFor is the busy time of a row.
func (p process) busyFor() time.Duration { return time.Duration(p.BusyNS) }
