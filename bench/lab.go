package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
)

const modulePath = "github.com/workerman-go/wm"

// lab is what the rows of one run share.
type lab struct {
	options
	dir    string
	server *server // with the Workers of all rows; nil when no row needs one
	floor  target
	nginx  *nginx // nil: not asked for yet

	serverCore, clientCore int
	endFloor               func() error
}

// target is a process that clients talk to.
type target struct {
	address netip.AddrPort
	pid     int
	behind  []int // processes that work for it
}

// newLab builds and starts what the rows need, and pins all to their cores,
// this program too.
func newLab(ctx context.Context, o options, rows []row) (l *lab, err error) {
	l = &lab{options: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if l.serverCore, l.clientCore, err = cores(); err != nil {
		return l, err
	}
	if l.dir, err = os.MkdirTemp("", "wm-bench-"); err != nil {
		return l, err
	}
	if err = l.build(ctx); err != nil {
		return l, err
	}
	if err = l.writeFiles(); err != nil {
		return l, err
	}
	if err = l.certify(); err != nil {
		return l, fmt.Errorf("make a certificate: %w", err)
	}
	if o.pin {
		// One core would make it one, and the clients hold theirs.
		runtime.GOMAXPROCS(2)
		if err = pin(os.Getpid(), l.clientCore); err != nil {
			return l, err
		}
	}
	if err = l.startFloor(); err != nil {
		return l, fmt.Errorf("start the floor: %w", err)
	}
	var workers []string
	for _, r := range rows {
		workers = append(workers, r.workers...)
	}
	slices.Sort(workers)
	if workers = slices.Compact(workers); len(workers) > 0 {
		l.server, err = l.startServer(workers)
	}
	return l, err
}

// build makes the programs with the settings of a release: no race detector,
// no C.
func (l *lab) build(ctx context.Context) error {
	for _, name := range []string{"server", "floor", "handshakes"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o",
			l.program(name), modulePath+"/bench/"+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, text)
		}
	}
	return nil
}

func (l *lab) program(name string) string { return filepath.Join(l.dir, name) }

// startFloor starts the floor, which says where it listens and ends with its
// standard input.
func (l *lab) startFloor() error {
	program := l.program("floor")
	if l.floorPath != "" {
		program = l.floorPath
	}
	cmd := exec.Command(program)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	l.endFloor = func() error { return errors.Join(in.Close(), cmd.Wait()) }
	var address string
	if _, err := fmt.Fscanln(out, &address); err != nil {
		return err
	}
	l.floor.pid = cmd.Process.Pid
	if l.floor.address, err = netip.ParseAddrPort(address); err != nil {
		return err
	}
	return l.pinServer(l.floor.pid)
}

// pinServer gives a process the core of the server.
func (l *lab) pinServer(pid int) error {
	if !l.pin {
		return nil
	}
	return pin(pid, l.serverCore)
}

// close ends all processes and removes all files.
func (l *lab) close() error {
	var errs []error
	if l.server != nil {
		errs = append(errs, l.server.stop())
	}
	if l.nginx != nil {
		errs = append(errs, l.nginx.stop())
	}
	if l.endFloor != nil {
		errs = append(errs, l.endFloor())
	}
	if l.dir != "" {
		errs = append(errs, os.RemoveAll(l.dir))
	}
	return errors.Join(errs...)
}

// freeAddress is a loopback address that nobody uses now.
func freeAddress() (netip.AddrPort, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).AddrPort(), nil
}

// conditions is the line above the table.
func (l *lab) conditions() string {
	where := fmt.Sprintf("server on core %d, clients on core %d", l.serverCore, l.clientCore)
	switch {
	case !l.pin:
		where = "not pinned"
	case l.serverCore == l.clientCore:
		where = "SERVER AND CLIENTS SHARE ONE CORE"
	}
	return fmt.Sprintf("%s, %s, %s; %d connections, %d B, %d rounds of %v", runtime.Version(),
		kernel(), where, clients, messageSize, l.rounds, l.duration)
}
