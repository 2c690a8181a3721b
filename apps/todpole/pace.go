package todpole

import (
	"maps"
	"time"
)

// What one tadpole may send: the page sends 15 messages in a second.
const (
	perSecond = 40
	burst     = 80
)

// pace is how much a client may send at once now.
type pace struct {
	left float64
	at   time.Time
}

// tooFast says that a client sends more than it may; each message goes to all the
// others.
func (p *pond) tooFast(id string) bool {
	now := p.now()
	c := p.paces[id]
	if c == nil {
		p.forgetResting(now)
		c = &pace{left: burst, at: now}
		p.paces[id] = c
	}
	c.left = min(burst, c.left+now.Sub(c.at).Seconds()*perSecond)
	c.at = now
	if c.left < 1 {
		return true
	}
	c.left--
	return false
}

// paceKept is how long nothing of a client has to have come before it is forgotten:
// then it may send a whole burst again, as one that is new.
const paceKept = time.Minute

// forgetResting forgets, once in a while, who sends nothing: also those whose OnClose
// never comes, because their Gateway is gone or told another process.
func (p *pond) forgetResting(now time.Time) {
	if now.Sub(p.looked) < paceKept {
		return
	}
	p.looked = now
	maps.DeleteFunc(p.paces, func(_ string, c *pace) bool { return now.Sub(c.at) >= paceKept })
}
