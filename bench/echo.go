package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/workerman-go/wm/bench/load"
)

// echoRow is a closed loop of 64 connections.
func echoRow(kind string, inFlight int, must ...bar) row {
	return row{
		kind:    kind,
		name:    echoName(kind, inFlight),
		workers: workersOf(kind),
		must:    must,
		measure: func(l *lab) (sample, error) {
			to, talk, err := l.partner(kind)
			if err != nil {
				return sample{}, err
			}
			return l.window(to, load.Window{Talk: talk, Speakers: clients, InFlight: inFlight})
		},
	}
}

// workersOf is what the shared server must declare for a kind of rows.
func workersOf(kind string) []string {
	if kind == floorKind {
		return nil
	}
	return []string{kind}
}

// partner is who the clients of a kind talk to, and what they say.
func (l *lab) partner(kind string) (target, load.Talk, error) {
	if kind == floorKind {
		return l.floor, load.TCP(messageSize), nil
	}
	to, err := l.server.target(kind)
	if err != nil {
		return to, load.Talk{}, err
	}
	talk, err := talkOf(kind, to.address)
	return to, talk, err
}

func talkOf(kind string, server netip.AddrPort) (load.Talk, error) {
	switch kind {
	case "tcp":
		return load.TCP(messageSize), nil
	case "text":
		return load.Text(messageSize), nil
	case "frame":
		return load.Frame(messageSize), nil
	case "websocket", "broadcast", "gateway", "gatewayall", "gatewayuid":
		return load.WebSocket(messageSize), nil
	case "wss":
		return encrypted(load.WebSocket(messageSize)), nil
	case "http", "handler", "accesslog":
		return load.HTTP(server)
	case "session":
		return load.Sessions(server, clients)
	}
	return load.Talk{}, fmt.Errorf("no client for %q", kind)
}

// window runs a closed loop against one target and takes its processor time.
func (l *lab) window(to target, w load.Window) (sample, error) {
	meter := meterOf(to)
	w.Server, w.Span = to.address, l.span(meter.mark)
	result, err := w.Run()
	if err != nil {
		return sample{}, err
	}
	return meter.sample(result)
}

// span is the time that each round of a row takes.
func (l *lab) span(mark func()) load.Span {
	return load.Span{Warmup: l.warmup, Duration: l.duration, Mark: mark}
}

// meter takes the processor time of the server's processes, and of this one, when
// counting begins and when it ends.
type meter struct {
	pids         []int
	server, load []cpuTime
	failed       error
}

func meterOf(to target) meter { return meter{pids: append([]int{to.pid}, to.behind...)} }

func (m *meter) mark() {
	var server cpuTime
	var err error
	for _, pid := range m.pids {
		one, failed := cpuOf(pid)
		server, err = server.plus(one), errors.Join(err, failed)
	}
	load, err2 := cpuOf(os.Getpid())
	m.failed = errors.Join(m.failed, err, err2)
	m.server, m.load = append(m.server, server), append(m.load, load)
}

func (m *meter) sample(r *load.Result) (sample, error) {
	if m.failed != nil {
		return sample{}, m.failed
	}
	s := sample{messages: r.Messages, elapsed: r.Elapsed, latency: &r.Latency}
	s.cpu, s.load = m.server[1].since(m.server[0]), m.load[1].since(m.load[0])
	if r.Messages == 0 {
		return s, fmt.Errorf("no message in %v", r.Elapsed.Round(time.Millisecond))
	}
	return s, nil
}
