package supervisor

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/listen"
	"github.com/workerman-go/wm/rundir"
)

// carriedFields says of every field that the loop owns how the image that
// takes over gets it. A field that is missing here is one that nobody has
// thought of.
var carriedFields = map[reflect.Type]map[string]string{
	reflect.TypeFor[Supervisor](): {
		"alone": "one process is not upgraded", "cfg": "from the hand-over", "sys": "of each image", "phase": "an upgrade is only in serving",
		"err": "nil in serving", "log": "opened anew", "backlog": "empty once the log is open",
		"settings": carried, "started": carried, "pidFile": carried,
		"gen": carried, "lastNumber": carried, "units": carried, "removed": carried,
		"listeners": carried, "groups": carried, "certs": carried, "generations": carried,
		"watcher": carried, "settling": carried, "diffs": "asked again", "history": "of each image",
		"startedBy": "only in the start", "died": "only in the start", "served": "true",
		"stopBegan": "only in leaving", "stopBy": "only in leaving", "opening": "free",
		"opened": carried,
		"byLink": "from the processes", "byPID": carried,
		"probe": "none while an upgrade begins", "roll": carried, "queued": carried,
		"upgrade": carried, "upgrades": carried,
		"away": "none during an exec", "errands": "nobody is away",
		"signalled": "only while a binary is read", "opensBySignal": "the same",
		"control": carried, "reaper": "of each image", "lock": carried, "words": carried,
		"dropped": carried, "stopWaiters": "only in leaving", "left": "only in leaving",
		"graceful": "only in leaving", "nextLook": carried, "nextRead": carried,
		"ownFiles": "looked at anew by each image", "refused": "told before",
		"certNotes": "written before each turn of the loop ends",
		"collects":  "answered before", "lastID": carried,
		"signals": "wait in the kernel", "exits": "drained by freeze",
		"messages": "drained by freeze", "requests": "nobody asks", "pokes": "the loop begins anew",
		"wake": "set by reconcile", "gone": "of each image",
	},
	reflect.TypeFor[process](): {
		"pid": carried, "pidfd": "opened anew", "slot": carried, "plan": carried, "state": carried,
		"link": carried, "words": carried, "started": carried, "readyBy": carried,
		"readyAt": carried, "toldAt": carried, "yieldBy": carried, "killAt": carried,
		"killed": carried, "late": carried, "goodbye": carried, "failed": carried,
		"ended": carried, "linkGone": carried, "finished": carried, "inner": carried,
		"lent": carried, "figures": carried, "answeredAt": carried, "spread": carried,
		"yielded": carried, "paced": carried, "pacing": carried, "waitsFor": carried,
		"turn": carried,
		"hung": carried, "shares": "only in one process",
	},
	reflect.TypeFor[slot](): {
		"unit": carried, "number": carried, "plan": carried, "current": carried,
		"next": "only while slots change", "leaving": carried, "inner": carried, "rest": carried,
		"wait": carried, "crashes": carried, "lastCause": carried, "lastWords": carried,
		"busySince": carried, "renewAfter": carried,
	},
	reflect.TypeFor[unit](): {"plan": carried, "slots": carried, "exits": carried, "kickAt": carried,
		"kicked": carried, "removed": carried},
	reflect.TypeFor[plan](): {"spec": carried, "gen": carried, "ident": carried, "lis": carried,
		"group": carried, "certs": carried},
	reflect.TypeFor[generation](): {"number": carried, "path": carried, "root": carried, "file": carried,
		"digest": carried, "changed": carried, "program": carried, "version": carried, "specs": carried, "settings": carried},
	reflect.TypeFor[listener](): {"Socket": carried, "address": carried, "lentTo": carried,
		"closeAt": carried},
	reflect.TypeFor[listen.Socket](): {"FD": carried, "File": carried},
	reflect.TypeFor[listen.File]():   {"Path": carried, "Dir": carried, "Own": carried},
	reflect.TypeFor[portGroup]():     {"sockets": carried, "steered": carried},
	reflect.TypeFor[certificateFiles](): {"worker": carried, "pairs": carried, "contents": carried,
		"read": carried, "seen": carried, "again": carried},
	reflect.TypeFor[identity](): {"user": carried, "uid": carried, "gid": carried, "groups": carried},
	reflect.TypeFor[reload](): {
		"gen": carried, "graceful": carried, "install": carried, "renewal": carried,
		"waiters": carried, "by": carried, "stage": "waiting or settling, by its place",
		"units": "not looked at in settling", "steps": "not looked at in settling",
		"at": "not looked at in settling", "cause": "not looked at in settling",
		"mixed": "not looked at in settling", "leaves": carried, "path": carried,
		"order": carried, "began": carried, "ifNew": carried, "watched": carried, "did": carried,
		"retired": "not looked at in settling", "scarce": "not looked at in settling",
		"upgraded": carried, "failed": carried,
	},
	reflect.TypeFor[upgrade](): {
		"gen": carried, "image": "opened anew", "install": carried, "by": carried,
		"waiters": carried, "then": carried, "staged": carried, "stage": "opened, or at its end",
		"began": carried, "child": "ends with the exec", "retryAt": "begins anew",
		"busySince": "begins anew", "limit": "begins anew", "quietBy": "begins anew", "heldUp": "told already",
	},
	reflect.TypeFor[staged](): {"path": carried, "file": carried},
	reflect.TypeFor[link](): {
		"conn": carried, "messages": "of each image", "gone": "of each image", "mu": "free",
		"out": carried, "more": "of each image", "shut": carried, "frozen": "true",
		"reads": "false when frozen", "writes": "false when frozen"},
	reflect.TypeFor[lastWords](): {
		"pipe": carried, "to": carried, "drained": "of each image", "done": carried, "mu": "free",
		"text": carried, "said": carried, "head": carried, "found": carried, "frozen": "true",
		"reads": "false when frozen"},
	reflect.TypeFor[caller](): {"conn": carried, "readBy": carried, "request": carried, "rest": carried,
		"again": carried, "carried": "false when frozen", "reads": "nothing when frozen"},
	reflect.TypeFor[request](): {
		"Request": carried, "peer": "asked of the kernel", "reload": "in the queue already",
		"upgrade": "in the queue already", "gen": "opened anew", "digest": carried, "ended": carried,
		"err": "answered already", "note": "logged already", "out": carried, "cut": carried,
	},
}

const carried = "carried"

func TestEveryFieldIsCarriedOrNot(t *testing.T) {
	for of, fields := range carriedFields {
		for i := range of.NumField() {
			if name := of.Field(i).Name; fields[name] == "" {
				t.Errorf("nobody says whether an upgrade carries %s.%s", of, name)
			}
		}
		for name := range fields {
			if _, found := of.FieldByName(name); !found {
				t.Errorf("%s has no field %s", of, name)
			}
		}
	}
}

// full is a master with something in every place that an upgrade carries.
func full(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	t.Cleanup(func() { // nothing in it can go on
		letGo(w.s)
		clear(w.procs)
		clear(w.s.byPID)
		w.s.control, w.s.roll, w.s.queued, w.s.upgrade, w.s.upgrades = nil, nil, nil, nil, nil
	})
	w.now = w.now.UTC() // as JSON reads it
	w.serve(spec("a", count(2)), spec("b"), spec("c", func(sp *ipc.Spec) {
		sp.ReusePort, sp.Count = true, 2
	}))
	s, when := w.s, w.now.Add(time.Minute).UTC()
	s.cfg.WM, s.cfg.Inherited = "0.1.0", []int{w.descriptor()}
	s.lock = rundir.AdoptLock("", w.descriptor())
	s.settings.StopTimeout, s.dropped, s.lastID = time.Second, 3, 7
	s.nextLook, s.nextRead = when, when
	s.gen.version = "0.1.0"
	a, b, c := s.units[0], s.units[1], s.units[2]
	certs := &certificateFiles{
		worker: "a", pairs: []ipc.KeyPair{{Cert: "/c", Key: "/k"}},
		contents: map[string][]byte{"/c": []byte("--")},
		read:     map[string]stamp{"/c": {1, 2, 3, unix.Timespec{Sec: 4}, unix.Timespec{Sec: 5}}},
		seen:     map[string]stamp{"/k": {1, 2, 3, unix.Timespec{Sec: 4}, unix.Timespec{Sec: 5}}},
		again:    when,
	}
	s.certs["key"] = certs
	a.plan.certs, a.slots[0].plan.certs = certs, certs
	a.plan.ident = &identity{user: "www", uid: 33, gid: 34, groups: []uint32{34}}
	a.exits[9], a.kickAt, a.kicked = &exitCount{2, 1}, when, when
	file := &listen.File{Path: "/x.sock", Dir: w.descriptor(), Own: w.descriptor()}
	s.listeners["extra"] = &listener{
		Socket: &listen.Socket{FD: w.descriptor(), File: file}, address: "/x.sock", closeAt: when,
	}
	*c.group = portGroup{sockets: c.group.sockets, steered: true}
	c.group.sockets[0].lentTo = c.slots[1].current
	w.fillSlots(a, b, when)
	w.fillOperations(a, b)
	return w
}

// descriptor is one that a test may carry.
func (w *world) descriptor() int {
	fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		w.t.Fatal(err)
	}
	return fd
}

func (w *world) fillSlots(a, b *unit, when time.Time) {
	sl, p := a.slots[0], a.slots[0].current
	sl.inner["tcp://x"] = &listener{Socket: &listen.Socket{FD: w.descriptor()}, address: "x"}
	sl.wait, sl.crashes, sl.lastCause, sl.lastWords = when, 2, "signal", "panic: x"
	sl.busySince, sl.renewAfter, sl.rest = when, when, backoff
	p.readyBy, p.toldAt, p.yieldBy, p.killAt = when, when, when, when
	p.killed, p.late, p.goodbye, p.hung, p.lent = true, true, true, true, 4
	p.failed, p.inner["tcp://x"] = &ipc.Failed{Code: 1, Text: "no"}, true
	p.figures, p.answeredAt = ipc.Figures{Connections: 5}, when
	p.yielded, p.paced, p.pacing, p.waitsFor = true, true, time.Second, "1 connection"
	p.turn = hasTurn
	w.silence(p)
	p.words.text, p.words.head = []byte("panic: x"), []byte("panic")
	p.words.said, p.words.found = true, true
	p.link.queue(&ipc.Kick{}, w.descriptor(), false)
	p.link.conn.Resume(&ipc.Partial{Of: ipc.TypeLog, Body: []byte("{")})
	dead := a.slots[1].current
	a.slots[1].leaving, a.slots[1].current = []*process{dead}, nil
	dead.ended, dead.finished = &ended{9, when}, true
	b.slots[0].current.state = stopping
}

// fillOperations adds what is under way and who waits for it.
func (w *world) fillOperations(a, b *unit) {
	s, number, at := w.s, 1, w.now.UTC()
	gen := func() *generation {
		g, err := openGeneration(s.cfg.Executable)
		must(w.t, err)
		number++
		g.number = number
		s.generations[g] = true
		return g
	}
	waiter := func(command string) []*request {
		mine, theirs, err := ipc.Pair()
		must(w.t, err)
		w.t.Cleanup(func() { unix.Close(theirs) })
		r := &request{
			Request: ipc.Request{Command: command}, out: make(chan ipc.Message, 4), cut: true,
		}
		r.out <- &ipc.Progress{Kind: "note"}
		at = at.Add(time.Second)
		s.control.callers[&caller{conn: mine, request: r, readBy: at}] = true
		return []*request{r}
	}
	mine, theirs, err := ipc.Pair()
	must(w.t, err)
	w.t.Cleanup(func() { unix.Close(theirs) })
	mine.Resume(&ipc.Partial{Of: ipc.TypeRequest, Body: []byte("{")})
	s.control.callers[&caller{conn: mine, readBy: w.now.UTC()}] = true
	ended := waiter("stop")[0]
	ended.finish(0, "done")
	s.removed = append(s.removed, &unit{plan: b.plan, exits: map[int]*exitCount{1: {1, 0}}})
	askers := []rundir.Asker{{Signal: "SIGUSR1", UID: 33, PID: 4711}}
	s.settling = append(s.settling, &reload{
		gen: gen(), graceful: true, install: "x", by: askers, renewal: a.slots[0], stage: settling,
		waiters: waiter("reload"), leaves: []*process{a.slots[1].leaving[0]},
		path: "p", order: 3, ifNew: true, watched: true, began: at, did: "1 replaced", upgraded: true,
		failed: "no",
	})
	b.slots[0].plan.gen = gen()
	s.opened, a.removed, s.gen.program, s.gen.changed = 5, true, "2.4.1", at
	w.fillWatcher(at)
	s.gen.settings.Daemonize = true
	s.queued = &reload{gen: gen(), waiters: waiter("reload")}
	s.upgrade = &upgrade{
		gen: gen(), install: "x", by: askers, began: at, waiters: waiter("upgrade"),
		then:   &reload{gen: gen(), graceful: true},
		staged: &staged{path: "/x", file: os.NewFile(uintptr(w.descriptor()), "/x")},
	}
	for range 2 {
		s.upgrades = append(s.upgrades, &upgrade{gen: gen(), waiters: waiter("upgrade")})
	}
	read, write, err := os.Pipe()
	must(w.t, err)
	w.t.Cleanup(func() { write.Close() })
	w.t.Cleanup(func() { read.Close() })
	s.words[newLastWords(read, io.Discard, func() {})] = true
}

// fillWatcher adds the child that watches the source.
func (w *world) fillWatcher(at time.Time) {
	mine, theirs, err := ipc.Pair()
	must(w.t, err)
	w.t.Cleanup(func() { unix.Close(theirs) })
	read, write, err := os.Pipe()
	must(w.t, err)
	w.t.Cleanup(func() { write.Close() })
	w.s.watcher = watcher{
		pid: 4713, pidfd: -1, link: newLink(mine, w.s.messages, w.s.gone), started: at, killAt: at, wait: at,
		crashes: 2, done: true, ended: &ended{1, at},
		words: newLastWords(read, io.Discard, func() {}),
	}
	w.s.words[w.s.watcher.words] = true
}

// still makes what newWorld began stand still.
func (w *world) still() {
	w.t.Helper()
	w.s.reaper = reap(w.s.exits, w.s.gone)
	w.s.control.pause()
	must(w.t, w.s.freeze())
}

// maybeZero is what is empty for a reason.
var maybeZero = []string{
	"State.Mono", "State.Comm", // of the execution
	"State.Generation", // it has the first row
}

func TestStateSurvivesTheAdoption(t *testing.T) {
	w := full(t)
	w.still()
	first := w.s.save(true)
	text, err := first.Encode()
	must(t, err)
	st, err := ipc.DecodeState(text)
	must(t, err)
	next := newSupervisor(w.s.cfg, w.s.sys)
	kept, err := next.restore(st, false)
	must(t, err)
	t.Cleanup(func() { letGo(next) })
	for _, fd := range st.Descriptors() {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			t.Errorf("descriptor %d of the state: %v", fd, err)
		}
	}
	if !kept[w.s.lock.Descriptor()] || kept[ipc.DescriptorOf(w.s.gen.file)] {
		t.Errorf("kept %v", kept)
	}
	must(t, next.openLog())
	got, want := masked(next.save(true)), masked(first)
	if len(got) != len(want) {
		t.Errorf("%d fields after the adoption, want %d", len(got), len(want))
	}
	for i, line := range want {
		if i >= len(got) || got[i] != line {
			t.Errorf("after the adoption %q, want %q", got[min(i, len(got)-1)], line)
		}
	}
	for _, path := range zeros(reflect.ValueOf(first).Elem()) {
		if !slices.Contains(maybeZero, path) {
			t.Errorf("%s is empty everywhere, so nothing shows that it is carried", path)
		}
	}
	if got, want := rowsOf(next), rowsOf(w.s); !reflect.DeepEqual(got, want) {
		t.Errorf("status shows\n%+v\nbefore\n%+v", got, want)
	}
}

// letGo closes what a restored master has open.
func letGo(s *Supervisor) {
	s.release()
	s.log.Close()
}

// rowsOf is what status shows of the processes.
func rowsOf(s *Supervisor) []string {
	snap := s.snapshot()
	var rows []string
	for _, row := range snap.Processes {
		rows = append(rows, fmt.Sprintf("%+v", row))
	}
	return append(rows, fmt.Sprintf("%+v %+v %d", snap.Workers, snap.Exits, snap.DroppedLogLines))
}
