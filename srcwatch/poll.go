package srcwatch

import (
	"context"
	"maps"
	"time"
)

// poller looks at the files itself.
type poller struct{ w *Watcher }

// wait looks when limit is over, at the latest after PollEvery.
func (p *poller) wait(ctx context.Context, limit time.Duration) bool {
	for limit > 0 {
		pause := min(limit, PollEvery)
		limit -= pause
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
		before := p.w.seen
		if p.w.look() != nil || !p.w.seen.same(before) {
			return true // Next finds the error again
		}
	}
	return false
}

// same tells whether nothing was written between two looks.
func (s *state) same(before *state) bool {
	return maps.EqualFunc(s.files, before.files, func(a, b file) bool {
		return a.stamp == b.stamp && a.digest == b.digest
	})
}

func (p *poller) folder(string) error       { return nil }
func (p *poller) keep(map[string]bool) bool { return true }
func (p *poller) close()                    {}
