package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/bench/load"
)

const (
	largeSize = 1024
	// pace is how often each of the 64 clients speaks beside handshakes:
	// 3,200 messages a second, far below what the server can do.
	pace = 20 * time.Millisecond
)

// encrypted makes a client speak over TLS. The certificate is the server's own.
func encrypted(t load.Talk) load.Talk {
	t.TLS = &tls.Config{InsecureSkipVerify: true}
	return t
}

func largeName(kind string, inFlight int) string {
	return fmt.Sprintf("%s 1 KB, %d in flight", kind, inFlight)
}

// largeRow is a closed loop with messages of 1 KB, plain or encrypted.
func largeRow(kind string, inFlight int, must ...bar) row {
	return row{
		kind:    "wss",
		name:    largeName(kind, inFlight),
		workers: []string{kind},
		must:    must,
		measure: func(l *lab) (sample, error) {
			to, err := l.server.target(kind)
			if err != nil {
				return sample{}, err
			}
			talk := load.WebSocket(largeSize)
			if kind == "wss" {
				talk = encrypted(talk)
			}
			return l.window(to, load.Window{Talk: talk, Speakers: clients, InFlight: inFlight})
		},
	}
}

// disturber is the handshakes that others make beside an echo.
type disturber struct {
	name  string
	count int // at once; 0: none
	every time.Duration
}

var (
	nothing = disturber{name: "no handshakes"}
	steady  = disturber{"200 handshakes/s", 1, 5 * time.Millisecond}
	burst   = disturber{"bursts of 30 handshakes", 30, 500 * time.Millisecond}
)

// rate is handshakes a second.
func (d disturber) rate() int { return int(time.Duration(d.count) * time.Second / d.every) }

// beside is an echo at a moderate rate over connections that are encrypted
// already, while others begin at the same process.
func beside(d disturber) row {
	r := row{
		kind:    "handshakes",
		name:    "wss echo, " + d.name,
		workers: []string{"wss"},
		measure: func(l *lab) (sample, error) { return l.echoBeside(d) },
	}
	if d.count > 0 {
		r.must = []bar{handshakesAtLeast(0.9, d.rate())}
	}
	return r
}

func (l *lab) echoBeside(d disturber) (s sample, err error) {
	to, talk, err := l.partner("wss")
	if err != nil {
		return s, err
	}
	w := load.Window{Talk: talk, Speakers: clients, InFlight: 1, Every: pace}
	if d.count == 0 {
		return l.window(to, w)
	}
	began := time.Now()
	end, err := l.disturb(d, to)
	if err != nil {
		return s, err
	}
	s, err = l.window(to, w)
	all := time.Since(began)
	made, err2 := end()
	// The program also ran while the clients connected.
	s.handshakes = int(float64(made) * s.elapsed.Seconds() / all.Seconds())
	return s, errors.Join(err, err2)
}

// disturb starts the handshakes, on the core of the clients, for whom they make
// way; end stops them and says how many there were.
func (l *lab) disturb(d disturber, to target) (end func() (made int, err error), err error) {
	cmd := exec.Command(l.program("handshakes"), "-server", to.address.String(),
		"-count", fmt.Sprint(d.count), "-every", d.every.String())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	end = func() (made int, err error) {
		err = errors.Join(in.Close(), cmd.Wait())
		if _, scanErr := fmt.Sscan(out.String(), &made); err == nil {
			err = scanErr
		}
		return made, err
	}
	if err := yieldCore(cmd.Process.Pid); err != nil {
		_, endErr := end()
		return nil, errors.Join(err, endErr)
	}
	return end, nil
}

// yieldCore lets all threads of a process run only when nobody else wants to.
func yieldCore(pid int) error {
	return eachThread(pid, func(tid int) error {
		return unix.SchedSetAttr(tid, &unix.SchedAttr{Size: unix.SizeofSchedAttr,
			Policy: unix.SCHED_IDLE}, 0)
	})
}
