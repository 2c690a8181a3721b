package http1

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/workerman-go/wm/protocol"
)

// visit is what one request has to do with sessions, from before its callback to its
// answer.
type visit struct {
	conn    protocol.Conn // nil: nobody waits for it
	keep    *keeper
	current *Session
	former  []*Session // replaced by current, to be stored too
	used    bool       // the author has asked for the session
	came    time.Time  // zero without a load

	arriving bool // the request waits for load, or has just waited
	loaded   bool // load has returned, if there was one
	answered bool
	returned bool // the callback has

	mu   sync.Mutex // guards gone, and current until loaded
	gone bool       // the connection is closed
}

// What exchange calls; where there is no session it costs a comparison.

// hasSession is false when a request has to wait.
func (e *exchange) hasSession(frame []byte, c protocol.Conn) bool {
	return e.head.cookies == 0 && e.request.visit == nil || e.arrive(frame, c)
}

func (e *exchange) withSession(out []byte, start int, err error) ([]byte, error) {
	if v := e.request.visit; v != nil && err == nil {
		out = v.answer(out, start)
	}
	return out, err
}

func (e *exchange) sentSession() {
	if v := e.request.visit; v != nil {
		v.sent()
	}
}

func (e *exchange) releasedSession() {
	if v := e.request.visit; v != nil {
		v.released()
	}
}

func (e *exchange) closedSession() {
	if v := e.request.visit; v != nil {
		v.closed()
	}
}

// arrive makes the visit of a request, and reports false when its session has to
// be read first.
func (e *exchange) arrive(frame []byte, c protocol.Conn) bool {
	if v := e.request.visit; v != nil && v.arriving {
		v.arriving = !v.loaded
		return v.loaded
	}
	e.request.visit = nil
	r := Request{head: e.head, frame: frame[:e.head.length:e.head.length]}
	id := r.sessionID(Sessions.Name)
	if id == "" || !wanted(r) {
		return true
	}
	v := &visit{conn: c, keep: newKeeper(), came: time.Now(), arriving: true}
	e.request.visit = v
	v.awaitLoad(func() { v.load(id) }, func() { v.loaded = true })
	v.arriving = !v.loaded
	return v.loaded
}

// wanted asks Sessions.For, which sees the head.
func wanted(r Request) bool {
	if Sessions.For == nil {
		return true
	}
	view := r
	return Sessions.For(&view)
}

// awaitLoad runs work off the loop and then done, and holds the connection meanwhile.
// What has no loop waits here.
func (v *visit) awaitLoad(work, done func()) {
	if c, ok := v.conn.(protocol.StoreAwaiter); ok {
		c.AwaitLoad(work, done)
		return
	}
	work()
	done()
}

// awaitSave is awaitLoad for what stores or unlocks: those who wait for a lock must not
// be in the way of who has it.
func (v *visit) awaitSave(work, done func()) {
	if c, ok := v.conn.(protocol.StoreAwaiter); ok {
		c.AwaitSave(work, done)
		return
	}
	work()
	done()
}

// load locks and reads the session. Off the loop.
func (v *visit) load(id string) {
	lock, err := v.keep.lock(id, v.came)
	unwanted := lock
	defer func() { unwanted.release() }() // also when the handler panics
	var data keptValues
	if err == nil {
		data, err = v.keep.load(id)
	}
	s := &Session{keep: v.keep, id: id, values: data, err: err}
	if data == nil && err == nil {
		s = v.newSession()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.gone {
		return
	}
	if v.current = s; data != nil {
		s.lock, unwanted = lock, nil
	}
}

func (v *visit) newSession() *Session {
	return &Session{keep: v.keep, id: newSessionID(), fresh: true, named: true}
}

// visiting is the visit of r.
func (r *Request) visiting() *visit {
	e, ok := (*exchange)(nil), false
	if r.conn != nil {
		e, ok = r.conn.State().(*exchange)
	}
	ok = ok && &e.request == r // else of ParseRequest
	if ok && !e.asked {
		panic("http1: the session of a request that was answered")
	}
	if r.visit == nil {
		r.visit = &visit{keep: newKeeper(), loaded: true}
		if ok {
			r.visit.conn = r.conn
		}
	}
	if r.visit.answered {
		panic("http1: the session of a request whose answer was begun")
	}
	return r.visit
}

// readNow reads the session id, or makes one, on the loop.
func (v *visit) readNow(id string) *Session {
	if id != "" {
		if s := v.readID(id); s.values != nil || s.err != nil {
			return s
		}
	}
	s := v.newSession()
	s.apart = v.conn == nil
	return s
}

// readID reads the session id even if there is none yet.
func (v *visit) readID(id string) *Session {
	data, err := v.keep.load(id)
	return &Session{keep: v.keep, id: id, values: data, err: err, apart: v.conn == nil}
}

// replace makes s the session of the request.
func (v *visit) replace(s *Session) {
	if v.current != nil {
		v.former = append(v.former, v.current)
	}
	s.apart = v.conn == nil
	v.current = s
}

// sessions yields all of the request.
func (v *visit) sessions(yield func(s *Session) bool) {
	for _, s := range v.former {
		if !yield(s) {
			return
		}
	}
	if v.current != nil {
		yield(v.current)
	}
}

// changes takes what is to be stored.
func (v *visit) changes() (all []*change) {
	for s := range v.sessions {
		if s.pending() && !s.apart {
			all = append(all, s.take())
		}
	}
	return all
}

// save stores what was changed. In Encode the answer waits for it.
func (v *visit) save() {
	all := v.changes()
	if len(all) == 0 {
		return
	}
	var failed error
	v.awaitSave(func() { failed = v.keep.storeAll(all) }, func() {
		if failed != nil && !v.conn.Event(&SessionFailed{failed}) {
			v.conn.Close()
		}
	})
}

// storeAll stores every change and returns the first error.
func (k *keeper) storeAll(all []*change) (first error) {
	for _, c := range all {
		if err := k.store(c); err != nil && first == nil {
			first = err
		}
		c.lock.release()
	}
	return first
}

// unlock lets others have what is still locked.
func (v *visit) unlock() {
	var locks []*sessionLock
	for s := range v.sessions {
		if s.lock != nil {
			locks = append(locks, s.lock)
			s.lock = nil
		}
	}
	if len(locks) > 0 {
		v.awaitSave(func() { releaseAll(locks) }, func() {})
	}
}

func releaseAll(locks []*sessionLock) {
	for _, l := range locks {
		l.release()
	}
}

// answer is called for what Encode has appended to out from start. With the head
// of the final answer the session is stored, and its cookie set.
func (v *visit) answer(out []byte, start int) []byte {
	if v.answered || !beginsAnswer(out[start:]) {
		return out
	}
	v.answered = true
	s := v.current
	if s == nil || s.err != nil {
		return out
	}
	if v.used && v.keep.AutoUpdateTimestamp {
		s.Refresh()
	}
	cookie := s.named && (s.pending() || !s.fresh)
	v.save()
	if cookie {
		s.named = false
		out = insertCookie(out, start, s.Cookie())
	}
	return out
}

// beginsAnswer says that p is the head of an answer and not an interim one.
func beginsAnswer(p []byte) bool {
	const line = "HTTP/1.1 "
	return len(p) > len(line) && string(p[:len(line)]) == line &&
		(p[len(line)] != '1' || string(p[len(line):][:3]) == "101")
}

// sent is called when the answer, or a part of it, is in the send buffer.
func (v *visit) sent() {
	if !v.answered {
		return
	}
	v.unlock()
	if v.returned {
		v.leave()
	}
	v.chance()
}

// released is called when the callback has returned.
func (v *visit) released() {
	v.returned = true
	v.save()
	v.unlock()
	if v.answered {
		v.leave()
	}
}

// leave is the end: what is changed from now on is stored by Save alone.
func (v *visit) leave() {
	for s := range v.sessions {
		s.apart = true
	}
}

// chance clears expired sessions away in one of many requests.
func (v *visit) chance() {
	k := v.keep
	if v.used && k.GCProbability > 0 && rand.IntN(max(k.GCDivisor, 1)) < k.GCProbability {
		v.used = false
		if c, ok := v.conn.(protocol.StoreAwaiter); ok {
			c.RunBeside(k.collect)
		} else {
			k.collect()
		}
	}
}

// closed is called when the connection is gone: what was changed so far is stored. Nobody
// is left to be told of a failure, so it is a panic of the work, which is logged,
// as SessionUnavailable is, and counted.
func (v *visit) closed() {
	v.mu.Lock()
	v.gone = true // load releases what it is about to lock
	v.mu.Unlock()
	all := v.changes()
	v.leave()
	if len(all) > 0 {
		v.awaitSave(func() {
			if err := v.keep.storeAll(all); err != nil {
				panic(&SessionUnavailable{err})
			}
		}, func() {})
	}
	v.unlock()
}
