package http1

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Session is what is remembered of a client between its requests
// (features.md 29.5). Request.Session returns it.
//
// Values are stored as JSON, and Get returns them as JSON tells, also in the
// request that has set them: string, bool, int (what is written without a
// fraction; float64 where an int is too small), float64, []any, map[string]any and
// nil. A float64 given to Set stays one; one inside a slice or map comes back as an
// int when it has no fraction. Structs come back as maps: Decode fills them again.
// Each Get makes a new value: to change a map in the session, Set it again.
//
// What was changed is stored before the answer leaves (trap T74: in Workerman after
// the callback), or, if the callback returns without an answer, then. Until one
// of both the session is locked: other requests of the same client wait for it
// before their callback, in all processes. Changes made later, up to the answer, are
// put on top of what others have stored meanwhile, key by key. A Session that is kept
// beyond the answer stores only by Save. A failure to store is logged, counted in
// send_fail, told to OnError and ends the connection without the answer.
//
// Owned by the loop.
type Session struct {
	keep *keeper
	id   string

	values  keptValues
	changed map[string]bool // keys to be stored, or deleted
	flushed bool
	touched bool

	fresh bool // the id was made here, and nothing is stored under it yet
	named bool // the client does not know the id
	apart bool // nobody stores it but Save
	lock  *sessionLock
	err   error // why it could not be read
}

// ID is the session's id. The client gets it in a cookie, with the answer before which
// the first value is stored: an id under which nothing is stored is a new
// one in each request.
func (s *Session) ID() string { return s.id }

// Get returns a value, or def when there is none or it is null.
func (s *Session) Get(key string, def ...any) any {
	if v := s.value(key); v != nil {
		return v
	}
	if len(def) > 0 {
		return def[0]
	}
	return nil
}

func (s *Session) value(key string) any {
	data, ok := s.values[key]
	if !ok {
		return nil
	}
	return unmarshalValue(data)
}

// String returns a string value, "" when there is none of this type.
func (s *Session) String(key string) string {
	v, _ := s.value(key).(string)
	return v
}

// Int returns an int value, 0 when there is none of this type.
func (s *Session) Int(key string) int {
	v, _ := s.value(key).(int)
	return v
}

// Decode fills the variable that v points to as json.Unmarshal does, and reports whether
// there is a value. An error says that it does not fit.
func (s *Session) Decode(key string, v any) (found bool, err error) {
	data, found := s.values[key]
	if !found {
		return false, nil
	}
	if err := json.Unmarshal(data, v); err != nil {
		return true, fmt.Errorf("session value %q: %w", key, err)
	}
	return true, nil
}

// Set changes a value. One that JSON cannot tell is a panic.
func (s *Session) Set(key string, v any) {
	data := marshalValue(key, v)
	s.note(key)
	if s.values == nil {
		s.values = keptValues{}
	}
	s.values[key] = data
}

// Put sets several values.
func (s *Session) Put(all map[string]any) {
	for key, v := range all {
		s.Set(key, v)
	}
}

// Delete removes a value.
func (s *Session) Delete(key string) {
	if _, ok := s.values[key]; ok {
		s.note(key)
		delete(s.values, key)
	}
}

// Forget removes several values.
func (s *Session) Forget(keys ...string) {
	for _, key := range keys {
		s.Delete(key)
	}
}

// Pull returns a value as Get does and removes it.
func (s *Session) Pull(key string, def ...any) any {
	v := s.Get(key, def...)
	s.Delete(key)
	return v
}

// All returns a copy of all values.
func (s *Session) All() map[string]any {
	all := make(map[string]any, len(s.values))
	for key := range s.values {
		all[key] = s.value(key)
	}
	return all
}

// Flush removes all values. A session without values is deleted from the store.
func (s *Session) Flush() {
	s.values, s.changed = nil, nil
	s.flushed = true
}

// Has says that there is a value other than null (features.md 29.6).
func (s *Session) Has(key string) bool { return s.value(key) != nil }

// Exists says that there is a value, null included.
func (s *Session) Exists(key string) bool {
	_, ok := s.values[key]
	return ok
}

// Refresh keeps the session for another Sessions.Lifetime although nothing is changed, and
// renews the cookie.
func (s *Session) Refresh() {
	s.touched = true
	s.named = s.named || !s.fresh
}

func (s *Session) note(key string) {
	if s.changed == nil {
		s.changed = map[string]bool{}
	}
	s.changed[key] = true
}

// Save stores what was changed, for a session that nobody else stores: of a
// request from ParseRequest (OnWebSocketConnect), or one that was answered. It
// applies the changes to what is stored now, without a lock, and blocks the loop for
// as long as the store takes. For other sessions there is nothing to do, it
// returns nil: they are stored before their answer.
func (s *Session) Save() error {
	if !s.apart || !s.pending() {
		return nil
	}
	c := s.take()
	if c.known {
		base, err := s.keep.load(s.id)
		if err != nil {
			return err
		}
		c.base = base
	}
	if err := s.keep.put(c); err != nil {
		return fmt.Errorf("session %s is not stored: %w", brief(s.id), err)
	}
	return nil
}

// pending says that something is to be stored.
func (s *Session) pending() bool {
	switch {
	case s.err != nil:
		return false
	case s.fresh:
		return len(s.values) > 0
	}
	return s.flushed || len(s.changed) > 0 || s.touched
}

// take returns what is to be stored, and regards it as stored. What it holds is not
// changed any more.
func (s *Session) take() *change {
	c := &change{id: s.id, set: keptValues{}, flushed: s.flushed, touched: s.touched,
		known: !s.fresh, lock: s.lock}
	for key := range s.changed {
		if data, ok := s.values[key]; ok {
			c.set[key] = data
		} else {
			c.deleted = append(c.deleted, key)
		}
	}
	slices.SortFunc(c.deleted, strings.Compare)
	if s.lock != nil && c.dirty() {
		c.base = maps.Clone(s.values) // with the changes, which does no harm
	}
	s.changed, s.flushed, s.touched, s.fresh, s.lock = nil, false, false, false, nil
	return c
}
