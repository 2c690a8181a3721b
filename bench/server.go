package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
)

// server is one running instance of the program under test.
type server struct {
	program, dir string
	env          []string
	addresses    map[string]netip.AddrPort // by Worker
	pids         map[string]int
}

// startServer starts the program with the given Workers, one process each, in
// a run directory of its own.
func (l *lab) startServer(workers []string) (*server, error) {
	dir, err := os.MkdirTemp(l.dir, "run-")
	if err != nil {
		return nil, err
	}
	s := &server{program: l.program("server"), dir: dir,
		addresses: make(map[string]netip.AddrPort), pids: make(map[string]int)}
	var listen, inner []string
	for _, name := range workers {
		address, err := freeAddress()
		if err != nil {
			return nil, err
		}
		s.addresses[name] = address
		listen = append(listen, name+"="+address.String())
		if isPush(name) {
			ports, err := innerPorts()
			if err != nil {
				return nil, err
			}
			inner = append(inner, name+"="+ports)
		}
	}
	s.env = append(os.Environ(), "WM_RUN_DIR="+dir, "BENCH_LISTEN="+strings.Join(listen, " "),
		"BENCH_CERTIFICATE="+l.certificate(), "BENCH_FILES="+l.files(),
		"BENCH_NOTES="+dir, "BENCH_INNER="+strings.Join(inner, " "))
	if _, err := s.command("start", "-d"); err != nil {
		return nil, err
	}
	if err := s.findProcesses(l); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// command runs one command of the program and returns its output.
func (s *server) command(args ...string) ([]byte, error) {
	cmd := exec.Command(s.program, args...)
	cmd.Env, cmd.Dir = s.env, s.dir
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("server %s: %w\n%s%s", strings.Join(args, " "), err, out, &errs)
	}
	return out, err
}

// findProcesses asks status who serves what, and pins all of them.
func (s *server) findProcesses(l *lab) error {
	text, err := s.command("status", "--json")
	if err != nil {
		return err
	}
	var status struct {
		Master    int `json:"master_pid"`
		Processes []struct {
			PID  int
			Name string `json:"worker_name"`
		}
	}
	if err := json.Unmarshal(text, &status); err != nil {
		return fmt.Errorf("status of the server: %w", err)
	}
	pids := []int{status.Master}
	for _, p := range status.Processes {
		s.pids[p.Name] = p.PID
		pids = append(pids, p.PID)
	}
	for _, pid := range pids {
		if err := l.pinServer(pid); err != nil {
			return err
		}
	}
	return nil
}

// target is the process of one Worker, with those behind it.
func (s *server) target(worker string) (target, error) {
	to := target{address: s.addresses[worker], pid: s.pids[worker]}
	if to.pid == 0 {
		return target{}, fmt.Errorf("the server has no process for %s", worker)
	}
	if behind := s.pids[businessOf(worker)]; behind != 0 {
		to.behind = append(to.behind, behind)
	}
	return to, nil
}

// stop ends all processes of the server.
func (s *server) stop() error {
	_, err := s.command("stop")
	return err
}
