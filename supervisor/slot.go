package supervisor

import (
	"time"

	"github.com/workerman-go/wm/ipc"
)

// state is where a process is in its life; vacant and backoff are those of a
// slot without one.
type state int

const (
	vacant state = iota
	starting
	running
	stopping
	backoff
)

var stateNames = [...]string{"vacant", "starting", "running", "stopping", "backoff"}

func (s state) String() string { return stateNames[s] }

// occurrence is what can happen to a slot.
type occurrence int

const (
	spawned occurrence = iota // its process was started
	isReady                   // the process reported ready
	told                      // the process was told to leave
	exited                    // the process is gone, in order
	crashed                   // the process is gone early: wait before the next
	due                       // the wait is over
)

var occurrenceNames = [...]string{"spawned", "ready", "told", "exited", "crashed", "due"}

func (o occurrence) String() string { return occurrenceNames[o] }

// transitions is the life of a slot. A pair that is not here is a bug: the
// loop logs it and kills the process rather than guess.
var transitions = map[state]map[occurrence]state{
	vacant:   {spawned: starting, crashed: backoff},
	starting: {isReady: running, told: stopping, exited: vacant, crashed: backoff},
	running:  {told: stopping, exited: vacant, crashed: backoff},
	// ready may cross told on the link
	stopping: {isReady: stopping, told: stopping, exited: vacant, crashed: vacant},
	backoff:  {due: vacant, told: vacant},
}

// plan is what a process is started from.
type plan struct {
	spec  ipc.Spec
	gen   *generation
	ident *identity         // nil: the master's own user
	lis   *listener         // nil without an address, and with group
	group *portGroup        // of ReusePort: a listener for each slot
	certs *certificateFiles // nil without any
}

// listener returns what the process of a slot accepts from.
func (pl plan) listener(slot int) *listener {
	if pl.group != nil {
		return pl.group.sockets[slot]
	}
	return pl.lis
}

// unit is one Worker as the master sees it.
type unit struct {
	plan  // for new slots; a slot has its own once a reload has passed it by
	slots []*slot
	exits map[int]*exitCount // by raw wait word
	// removed by a reload: nobody serves in its place
	removed bool

	kickAt time.Time // zero: no kick is due
	kicked time.Time // the last one
}

type exitCount struct{ all, unexpected int }

// slot is one seat of a unit. It keeps its number over respawns.
type slot struct {
	unit   *unit
	number int  // Worker.ID
	plan   plan // what a respawn starts

	current *process   // who sits here; nil in vacant and backoff
	next    *process   // the replacement of a reload, not seated yet
	leaving []*process // drained ones of earlier generations
	inner   map[string]*listener

	rest      state     // vacant or backoff, while nobody sits here
	wait      time.Time // backoff or a busy executable: not before this
	crashes   int
	lastCause string
	lastWords string
	busySince time.Time // first ETXTBSY of the present attempt

	renewAfter time.Time // no renewal before this
}

func newSlot(u *unit, number int) *slot {
	return &slot{unit: u, number: number, plan: u.plan, inner: map[string]*listener{}}
}

// state of the slot is that of its process, or of its waiting.
func (sl *slot) state() state {
	if sl.current != nil {
		return sl.current.state
	}
	return sl.rest
}

// step moves an empty slot along the table.
func (sl *slot) step(o occurrence) {
	if to, ok := transitions[sl.rest][o]; ok {
		sl.rest = to
	}
}

// forget takes p out of the slot.
func (sl *slot) forget(p *process) {
	if sl.current == p {
		sl.current = nil
	}
	if sl.next == p {
		sl.next = nil
	}
	for i, q := range sl.leaving {
		if q == p {
			sl.leaving = append(sl.leaving[:i:i], sl.leaving[i+1:]...)
			return
		}
	}
}

// process is one live worker process.
type process struct {
	pid     int
	pidfd   int
	slot    *slot
	plan    plan
	state   state
	link    *link
	words   *lastWords
	started time.Time

	readyBy  time.Time // zero once ready
	readyAt  time.Time // zero: not ready yet
	toldAt   time.Time // zero: not told to leave
	yieldBy  time.Time // zero: not asked, has yielded, or has forfeited
	yielded  bool      // accepts nobody any more
	killAt   time.Time // zero: never
	paced    bool      // may say in Yielded that it takes longer
	pacing   time.Duration
	turn     turn // to close its connections one after another
	killed   bool
	late     bool // killed because it was not ready in time
	goodbye  bool
	failed   *ipc.Failed
	ended    *ended
	linkGone bool
	finished bool            // out of every list
	inner    map[string]bool // addresses it asked for by Listen
	lent     int             // queues of other slots that it serves

	figures    ipc.Figures
	waitsFor   string           // while it leaves
	shares     map[string]int64 // connections of each Worker, by key; see single.go
	answeredAt time.Time
	spread     float64 // 1 to 1.1: when MaxAge and MaxRequests are reached
	hung       bool
}

// ended is what is known when the kernel has given the wait word.
type ended struct {
	status int
	at     time.Time
}

// next is when the master has to look at p again without an event.
func (p *process) next() time.Time {
	if p.ended != nil {
		return p.ended.at.Add(pipeTimeout)
	}
	var first time.Time
	if p.killed {
		return first // nothing but its exit
	}
	for _, t := range []time.Time{p.readyBy, p.yieldBy, p.killAt} {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// limit kills p at the given time, unless it is to be killed before.
func (p *process) limit(at time.Time) {
	if p.killAt.IsZero() || at.Before(p.killAt) {
		p.killAt = at
	}
}

// step moves p along the table. It reports false for a pair that is not
// there; the caller kills the process then.
func (p *process) step(o occurrence) bool {
	to, ok := transitions[p.state][o]
	if ok {
		p.state = to
	}
	return ok
}
