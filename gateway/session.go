package gateway

// Session is what a Gateway remembers of a client for the BusinessWorkers.
type Session struct{}

// decodeSession is the session that came with an event, not read yet.
func decodeSession(ext string) *Session { return &Session{} }

// encode is the session as a Gateway stores it.
func (s *Session) encode() (string, error) { return "", nil }

// changed says that the session is not what it was when it came.
func (s *Session) changed() bool { return false }
