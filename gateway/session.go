package gateway

import (
	"fmt"
	"iter"

	"github.com/workerman-go/wm/gateway/phpserialize"
)

// Array is an array of PHP: a list and a map in one that keeps its order. Nested
// values of sessions and messages that are arrays come as *Array.
type Array = phpserialize.Array

// Session is what a Gateway remembers of a client for the BusinessWorkers: $_SESSION of
// PHP, an array that is null until something is stored (features.md 43.5-43.11).
//
// Values are nil, bool, int64, float64, string, *Array and phpserialize.Opaque, an object
// of a PHP BusinessWorker that is carried along unread; what else is Set becomes one of
// these (phpserialize.From): an int comes back as int64, a map or a slice as *Array.
// A key "7" is the int 7, as in PHP. Set stores a copy, Get and All return a nested
// *Array itself: what is changed in it is changed in the session.
//
// When a handler returns, a session that is not what it was before (PHP's ===) goes back
// to the Gateway; what OnClose changes does not. It is read on the first access.
// One that cannot be read (Err) reads as null, and nothing of it is written back, so that
// what another program has stored is not lost.
//
// A Session belongs to its handler: no locking.
type Session struct {
	ext     string // as the Gateway has it
	read    bool
	values  *Array // nil: null
	touched bool   // may differ from ext
	failed  error
}

// NewSession returns a session with values, for tests of handlers; nil is a session
// that is null. It panics as Set does.
func NewSession(values map[string]any) *Session {
	s := &Session{read: true}
	if values != nil {
		s.touched = true
		s.values = sessionValue("", values).(*Array)
	}
	return s
}

// decodeSession is the session that came with an event, not read yet.
func decodeSession(ext string) *Session { return &Session{ext: ext} }

// array reads the session, once.
func (s *Session) array() *Array {
	if s.read {
		return s.values
	}
	s.read = true
	s.values, s.failed = readSession(s.ext)
	return s.values
}

// readSession is the array of a session, nil for null.
func readSession(ext string) (*Array, error) {
	if ext == "" {
		return nil, nil
	}
	v, err := phpserialize.Unmarshal(ext)
	if err != nil {
		return nil, fmt.Errorf("gateway: session: %w", err)
	}
	a, ok := v.(*Array)
	if !ok && v != nil {
		return nil, fmt.Errorf("gateway: session that is not an array but a %T", v)
	}
	return a, nil
}

// change is the array to change; it ends null.
func (s *Session) change() *Array {
	if s.array() == nil {
		s.values = phpserialize.NewArray()
	}
	s.touched = true
	return s.values
}

// Err says why the session could not be read; nil for a good one.
func (s *Session) Err() error {
	s.array()
	return s.failed
}

// IsNull says that nothing has been stored yet, not even an empty array.
func (s *Session) IsNull() bool { return s.array() == nil }

// Len is the number of values.
func (s *Session) Len() int { return s.array().Len() }

// Has says that there is a value, be it null.
func (s *Session) Has(key string) bool { return s.array().Has(key) }

// Get returns a value, nil when there is none.
func (s *Session) Get(key string) any {
	v := s.array().Get(key)
	if _, nested := v.(*Array); nested {
		s.touched = true
	}
	return v
}

// String returns a string, and other scalars as PHP prints them; "" for all else.
func (s *Session) String(key string) string { return s.array().String(key) }

// Int returns an int, and of a float, bool or string what an (int) cast of PHP makes of
// it; 0 for all else.
func (s *Session) Int(key string) int64 { return s.array().Int(key) }

// Float returns a float, and of an int, bool or string what a (float) cast of PHP makes
// of it; 0 for all else.
func (s *Session) Float(key string) float64 { return s.array().Float(key) }

// Bool says what PHP's if would: false for nothing, null, 0, "", "0" and an empty array.
func (s *Session) Bool(key string) bool { return s.array().Bool(key) }

// Array returns a nested array, nil when there is none.
func (s *Session) Array(key string) *Array {
	nested, _ := s.Get(key).(*Array)
	return nested
}

// Set stores a value. It panics on one that PHP cannot have: channels, functions, errors,
// uints above the int64s, values that contain themselves.
func (s *Session) Set(key string, v any) {
	v = sessionValue(key, v)
	s.change().Adopt(phpserialize.KeyOf(key), v)
}

// Delete removes a value.
func (s *Session) Delete(key string) {
	if s.Has(key) {
		s.change().Delete(key)
	}
}

// Clear removes all values. The session is an empty array then, not null.
func (s *Session) Clear() { s.change().Clear() }

// All walks over the values in the order in which their keys were first set.
func (s *Session) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for k, v := range s.array().All() {
			if _, nested := v.(*Array); nested {
				s.touched = true
			}
			if !yield(k.String(), v) {
				return
			}
		}
	}
}

// Values returns all values as an *Array, itself and not a copy; nil when the session
// is null.
func (s *Session) Values() *Array {
	s.touched = s.array() != nil
	return s.values
}

// MarshalJSON is the session as json_encode shows it: null, [] or {…}. A PHP object in it
// is an error.
func (s *Session) MarshalJSON() ([]byte, error) { return s.array().MarshalJSON() }

// encode is the session as a Gateway stores it: "" for null, "a:0:{}" for an empty one.
// One that could not be read stays as it came.
func (s *Session) encode() (string, error) {
	if s.Err() != nil || !s.touched {
		return s.ext, nil
	}
	if s.values == nil {
		return "", nil
	}
	ext, err := phpserialize.Marshal(s.values)
	if err != nil {
		return "", fmt.Errorf("gateway: session: %w", err)
	}
	return string(ext), nil
}

// changed says that the session is not what it was when it came, by value (wire.md 3.4
// step 5). One that could not be read never is; one that cannot be written any more
// is, so that encode tells its author.
func (s *Session) changed() bool {
	if !s.touched || s.Err() != nil {
		return false
	}
	if ext, err := s.encode(); err != nil || ext == s.ext {
		return err != nil
	}
	before, _ := readSession(s.ext)
	return !phpserialize.Equal(before, s.values)
}

// sessionValue is v as a session has it.
func sessionValue(key string, v any) any {
	made, err := phpserialize.From(v)
	if err != nil {
		panic(fmt.Sprintf("gateway: session value %q: %v", key, err))
	}
	return made
}
