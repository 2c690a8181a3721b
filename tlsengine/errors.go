package tlsengine

import "errors"

var (
	// ErrHandshaking is what Write returns before the end of the handshake.
	ErrHandshaking = errors.New("tlsengine: the handshake is under way")

	// ErrTooMuchInput ends a connection whose caller went on feeding although
	// Full said stop.
	ErrTooMuchInput = errors.New("tlsengine: too much unread input")

	// ErrTooManyAnswers ends a connection whose peer makes crypto/tls answer
	// (key updates) and does not read the answers.
	ErrTooManyAnswers = errors.New("tlsengine: the peer does not read the answers it asks for")

	// ErrCallbackPanic is inside the HandshakeError of a handshake in which a
	// callback of the tls.Config panicked; the text has value and stack.
	ErrCallbackPanic = errors.New("tlsengine: panic in a callback of the tls.Config")

	// errNoResult is the handshake that ended by runtime.Goexit.
	errNoResult = errors.New("tlsengine: the handshake ended without a result")
)

// errAgain is what crypto/tls gets for want of a whole record. A temporary
// error is the only one that it forgets.
var errAgain error = again{}

type again struct{}

func (again) Error() string   { return "tlsengine: no whole record yet" }
func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }
