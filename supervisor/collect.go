package supervisor

import (
	"time"

	"github.com/workerman-go/wm/ipc"
)

// Patience while a list of connections comes in.
const (
	listIdle = 500 * time.Millisecond // without any piece from anybody
)

// collect is one question to all processes that a command waits for.
type collect struct {
	request *request
	missing map[*process]bool // who has not answered
	by      time.Time
	list    bool // connections, not figures
}

// ask begins a collect.
func (s *Supervisor) ask(r *request, list bool, patience time.Duration) {
	s.lastID++
	c := &collect{
		request: r, missing: map[*process]bool{},
		by: s.sys.now().Add(patience), list: list,
	}
	s.collects[s.lastID] = c
	for _, p := range s.byPID {
		if p.ended != nil || p.linkGone {
			continue
		}
		var question ipc.Message = &ipc.AskReport{ID: s.lastID}
		if list {
			question = &ipc.AskConnections{ID: s.lastID}
		}
		if p.link.send(question) {
			c.missing[p] = true
		}
	}
}

func (s *Supervisor) collectStatus(r *request) { s.ask(r, false, reportTimeout) }

func (s *Supervisor) collectConnections(r *request) { s.ask(r, true, listIdle) }

// onReport notes the figures of a process.
func (s *Supervisor) onReport(p *process, m *ipc.Report) {
	p.figures, p.answeredAt = m.Figures, s.sys.now()
	if c := s.collects[m.ID]; c != nil {
		delete(c.missing, p)
	}
}

// onConnections passes one piece of a list on.
func (s *Supervisor) onConnections(p *process, m *ipc.Connections) {
	c := s.collects[m.ID]
	if c == nil {
		return
	}
	for i := range m.Rows {
		m.Rows[i].PID = p.pid
	}
	c.by = s.sys.now().Add(listIdle)
	if len(m.Rows) > 0 {
		c.request.reply(&ipc.ConnectionList{Rows: m.Rows})
	}
	if m.Last {
		delete(c.missing, p)
	}
}

// forgetCollects stops waiting for a process that is gone.
func (s *Supervisor) forgetCollects(p *process) {
	for _, c := range s.collects {
		delete(c.missing, p)
	}
}

// tendCollects answers the commands whose processes have all answered, or
// whose patience is over: a silent process is shown with what was last known.
func (s *Supervisor) tendCollects(now time.Time) {
	for id, c := range s.collects {
		if len(c.missing) > 0 && now.Before(c.by) && s.phase != over {
			continue
		}
		delete(s.collects, id)
		if !c.list {
			c.request.reply(s.snapshotMissing(c.missing))
		}
		c.request.finish(ipc.CodeDone, "")
	}
}
