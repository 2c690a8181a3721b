package http1

import (
	"context"
	"net/http"
	"time"
)

// SessionSettings is the type of Sessions.
type SessionSettings struct {
	// Name is that of the cookie.
	Name string
	// Lifetime is how long a session is kept after it was stored last.
	Lifetime time.Duration
	// AutoUpdateTimestamp has every request that uses its session keep it for
	// another Lifetime and renew the cookie. Without it only a change or
	// Session.Refresh does, and only Refresh renews the cookie.
	AutoUpdateTimestamp bool

	// CookieLifetime is how long the client keeps the cookie after it was set;
	// 0 or less: until the browser is closed.
	CookieLifetime time.Duration
	// Path, Domain, Secure, HTTPOnly and SameSite are those of the cookie.
	Path, Domain     string
	Secure, HTTPOnly bool
	SameSite         http.SameSite

	// GCProbability of GCDivisor requests that use their session clear away what
	// has expired. 0: none does.
	GCProbability, GCDivisor int

	// LockTimeout is how long a request waits for those before it that use the
	// same session, or, because the store is slow, for one of the 1,024 places where
	// sessions are read at once; Session then panics in it. A request holds its session
	// for half of that at most: what it changes later is stored on top of what
	// others have changed meanwhile.
	LockTimeout time.Duration
	// StoreTimeout ends the context of each read and write of Handler.
	StoreTimeout time.Duration
	// MaxWaiting is how many requests of a process may wait for others at a time;
	// Session panics at once in what comes beyond.
	MaxWaiting int
	// MaxSize is how large a stored session may be, in bytes. A larger one is not
	// stored, which ends the connection like any failure to store; FileSessions
	// does not read one either, of which Session then panics.
	MaxSize int

	// Handler keeps the sessions. nil: NewFileSessions in the folder wm-sessions-UID of
	// os.TempDir, where UID is the user of the process.
	Handler SessionHandler
	// For says whether a request with the cookie needs its session, and is called
	// on the loop when only the head of the request may be looked at; it must not
	// block. nil: all do. In those that do not, Session reads on the loop.
	For func(r *Request) bool
}

// Sessions is what holds for the sessions of all Workers of an app (features.md
// 29.2; trap T73: the defaults are those of Workerman's class and not of
// php.ini). Set it in Start and leave it alone then.
var Sessions = SessionSettings{
	Name:           "PHPSID",
	Lifetime:       1440 * time.Second,
	CookieLifetime: 1440 * time.Second,
	Path:           "/",
	HTTPOnly:       true,
	SameSite:       http.SameSiteLaxMode,
	GCProbability:  1,
	GCDivisor:      20_000,
	LockTimeout:    10 * time.Second,
	StoreTimeout:   5 * time.Second,
	MaxWaiting:     512,
	MaxSize:        1 << 20,
}

// SessionHandler keeps sessions for all processes of an app, and for later ones
// (features.md 29.12). All methods may block: they run off the loop, several at
// once, and should give up when ctx ends. An id is 16 to 256 letters,
// digits, commas and hyphens. What data says is not the handler's business.
type SessionHandler interface {
	// Lock waits until no other process or request has locked id and locks it until
	// unlock is called, once. The lock of a process that has died must end by
	// itself; document when.
	Lock(ctx context.Context, id string) (unlock func(), err error)
	// Read returns what Write has stored; nil and no error when there is none or it
	// has expired.
	Read(ctx context.Context, id string) ([]byte, error)
	// Write stores data, as a whole or not at all, until lifetime has gone.
	Write(ctx context.Context, id string, data []byte, lifetime time.Duration) error
	// Touch gives what is stored another lifetime. It is no error that there is none.
	Touch(ctx context.Context, id string, lifetime time.Duration) error
	// Destroy deletes what is stored. It is no error that there is none.
	Destroy(ctx context.Context, id string) error
	// GC deletes what has expired.
	GC(ctx context.Context) error
}

// SessionUnavailable is what Request.Session panics with when the session of a request
// could not be read or locked. The log says so in one line, a few times a second at
// most, and the request is answered 500.
type SessionUnavailable struct{ Err error }

// Error says which session, where it is kept and what is wrong.
func (e *SessionUnavailable) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *SessionUnavailable) Unwrap() error { return e.Err }

// SessionFailed is the event of a session that could not be stored. The connection logs it,
// calls OnError and ends without the answer, which would promise what was not
// kept.
type SessionFailed struct{ Err error }
