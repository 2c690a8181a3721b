package tlsengine

import "context"

// Tokens bounds how many handshakes of a process compute at the same time, so
// that a burst of them leaves a processor to the loop: GOMAXPROCS-1, at least
// 1. One Tokens is shared by all Engines of a process. Any goroutine.
type Tokens struct{ free chan struct{} }

// NewTokens makes n tokens; below 1 is 1.
func NewTokens(n int) *Tokens {
	n = max(n, 1)
	t := &Tokens{free: make(chan struct{}, n)}
	for range n {
		t.free <- struct{}{}
	}
	return t
}

// take waits for a token, first come first served, or for the end of ctx.
func (t *Tokens) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-t.free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *Tokens) give() { t.free <- struct{}{} }
