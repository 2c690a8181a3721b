package supervisor

// errand is the reading or copying of a binary, which a goroutine does because a cold or
// slow disk may take seconds, in which the loop has a service to look after.
type errand struct {
	reads string // what, for whoever waits for its end
	work  func()
	then  func()
}

// sendErrand has a goroutine do work, and then runs then on the loop. No image of the
// master is executed while somebody is away: the next one would not know of it.
func (s *Supervisor) sendErrand(reads string, work, then func()) {
	e := &errand{reads: reads, work: work, then: then}
	s.away[e] = true
	go func() { // ends with the work, or at the latest then with the loop
		e.work()
		select {
		case s.errands <- e:
		case <-s.gone:
		}
	}()
}

// onErrand takes what an errand has found.
func (s *Supervisor) onErrand(e *errand) {
	delete(s.away, e)
	e.then()
}

// errandAway names one that is not back.
func (s *Supervisor) errandAway() string {
	for e := range s.away {
		return e.reads
	}
	return ""
}
