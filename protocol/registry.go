package protocol

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// registration is what Register knows of one call of it.
type registration struct {
	protocol Protocol
	by       string // "apps/chat.Start (start.go:14)"
}

var registry = struct {
	mu        sync.Mutex // guards the rest
	authors   map[string]registration
	builtins  map[string]Protocol
	conflicts []string
}{authors: map[string]registration{}, builtins: map[string]Protocol{}}

// Register makes p what "scheme://host:port" speaks. Call it in the Start of
// an app, before New; a scheme that comes with wm is overridden for the app's
// process. Upper and lower case do not count. Two apps that register different
// protocols under one scheme are refused at start, by name: give the second
// one another scheme, or set Worker.Protocol. So are a nil Protocol, and a
// scheme that is not letters and digits. Safe for concurrent use.
func Register(scheme string, p Protocol) {
	by := caller(2)
	key := strings.ToLower(scheme)
	registry.mu.Lock()
	defer registry.mu.Unlock()
	first, taken := registry.authors[key]
	switch {
	case !validScheme(key):
		registry.conflicts = append(registry.conflicts, fmt.Sprintf(
			"protocol %q of %s: letters and digits only, beginning with a letter", scheme, by))
	case p == nil:
		registry.conflicts = append(registry.conflicts, fmt.Sprintf(
			"protocol %q of %s: the Protocol is nil", scheme, by))
	case !taken || first.by == by:
		registry.authors[key] = registration{protocol: p, by: by}
	case !same(first.protocol, p):
		registry.conflicts = append(registry.conflicts, fmt.Sprintf(
			"protocol %q is registered by %s and differently by %s", scheme, first.by, by))
	}
}

// Builtin makes p what scheme means until an app registers another one. Called
// by package worker for the protocols that come with wm.
func Builtin(scheme string, p Protocol) {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	registry.builtins[strings.ToLower(scheme)] = p
}

// Lookup returns the protocol of scheme, one registered by an app before one
// that comes with wm. Upper and lower case do not count. Safe for concurrent
// use.
func Lookup(scheme string) (Protocol, bool) {
	key := strings.ToLower(scheme)
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if r, ok := registry.authors[key]; ok {
		return r.protocol, true
	}
	p, ok := registry.builtins[key]
	return p, ok
}

// Conflicts returns one sentence for each call of Register that could not be
// followed, in order. Called by the probe, which refuses to start with any.
func Conflicts() []string {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	return append([]string(nil), registry.conflicts...)
}

// Registered is what apps have registered up to a moment.
type Registered struct {
	authors   map[string]registration
	conflicts []string
}

// Snapshot returns what apps have registered so far, for a test that undoes
// what a Start does. Safe for concurrent use.
func Snapshot() Registered {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	return Registered{maps.Clone(registry.authors), slices.Clone(registry.conflicts)}
}

// Restore forgets what was registered since the Snapshot. It may be called
// once. Safe for concurrent use.
func (r Registered) Restore() {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	registry.authors, registry.conflicts = r.authors, r.conflicts
}

// caller names the function that is skip calls up, by the app if it is one.
func caller(skip int) string {
	pc, file, line, ok := runtime.Caller(skip)
	if !ok {
		return "an unknown caller"
	}
	name := runtime.FuncForPC(pc).Name()
	if i := strings.LastIndex(name, "/apps/"); i >= 0 {
		name = name[i+1:]
	}
	return fmt.Sprintf("%s (%s:%d)", name, filepath.Base(file), line)
}

// validScheme follows features.md 23.8; s is in lower case.
func validScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		letter := 'a' <= s[i] && s[i] <= 'z'
		digit := '0' <= s[i] && s[i] <= '9'
		if !letter && (!digit || i == 0) {
			return false
		}
	}
	return s != ""
}

// same compares without the panic of == on types that have no ==.
func same(a, b Protocol) bool {
	t := reflect.TypeOf(a)
	return t == reflect.TypeOf(b) && (t == nil || t.Comparable() && a == b)
}
