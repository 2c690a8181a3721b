package preamble

// Preamble is what is said on a connection before its protocol begins. One
// value per connection.
type Preamble interface {
	// Start returns what this side says first; nil for nothing.
	Start() []byte
	// Feed looks at all bytes that have come and were not consumed (never
	// empty). n of them belong to the preamble and are to be dropped, reply is
	// to be sent, and done says that the rest belongs to the protocol (or to
	// TLS). It consumes as much as it can, so that it need not be called again
	// before more has come. 0, nil, false, nil waits for more; that is bounded:
	// too much without an end is an error. buf is neither changed nor kept, and
	// the outcome does not depend on how the bytes were cut. After done or an
	// error Feed is not called again.
	Feed(buf []byte) (n int, reply []byte, done bool, err error)
}

// Err says why what SOCKS5 or Connect returned cannot ask its proxy: a host,
// user or password that has no place in the request. nil for one that can. Ask
// before dialling: such a Preamble sends nothing, so that the proxy may stay
// silent for ever, and fails on the first bytes that come.
func Err(p Preamble) error {
	if bad, ok := p.(unaskable); ok {
		return bad.err
	}
	return nil
}

// unaskable is the Preamble of a request that cannot be made.
type unaskable struct{ err error }

func (unaskable) Start() []byte { return nil }

func (u unaskable) Feed([]byte) (int, []byte, bool, error) { return 0, nil, false, u.err }
