package supervisor

import "time"

// at is a time as the clock on the wall has it now: somebody may have set that
// since, and the image that takes over knows no other.
func (sv *saver) at(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return sv.now.Add(t.Sub(sv.now)).Round(0)
}

// delayed is a time that something is compared with. Nobody was heard while the
// master stood still, so that time does not count; and what is read from JSON
// would go with the clock on the wall when somebody sets that.
func (r *restorer) delayed(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return r.now.Add(t.Sub(r.now) + r.stood)
}

// since is a time from which something is counted, with the standstill. As a limit
// it must not go with the clock on the wall.
func (r *restorer) since(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return r.now.Add(t.Sub(r.now))
}
