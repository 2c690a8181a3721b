package todpole

import "time"

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
