package load

import "time"

// flight is requests that were sent together and are not answered yet.
type flight struct {
	since time.Duration
	count int
}

// flights are the requests of one client in the order of sending, which is
// that of the answers.
type flights []flight

// start adds n requests sent at now.
func (f *flights) start(n int, now time.Duration) {
	*f = append(*f, flight{now, n})
}

// land takes away the n oldest requests, answered at now; false when there are
// not as many.
func (f *flights) land(n int, now time.Duration, into *Histogram) bool {
	done := 0
	for n > 0 {
		if done == len(*f) {
			return false
		}
		oldest := &(*f)[done]
		some := min(n, oldest.count)
		into.Add(now-oldest.since, uint64(some))
		n -= some
		if oldest.count -= some; oldest.count == 0 {
			done++
		}
	}
	*f = append((*f)[:0], (*f)[done:]...)
	return true
}
