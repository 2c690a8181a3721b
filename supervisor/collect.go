package supervisor

import (
	"slices"
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

	// Of a list: how many rows each process has given, and who gave figures.
	listed   map[*process]int
	reported map[*process]bool
}

// ask begins a collect.
func (s *Supervisor) ask(r *request, list bool, patience time.Duration) {
	s.lastID++
	c := &collect{
		request: r, missing: map[*process]bool{}, listed: map[*process]int{},
		reported: map[*process]bool{}, by: s.sys.now().Add(patience), list: list,
	}
	s.collects[s.lastID] = c
	for _, p := range s.byPID {
		if p.ended != nil || p.linkGone {
			continue
		}
		// The figures come from a blocked process too: they tell what is
		// missing in a list.
		asked := p.link.send(&ipc.AskReport{ID: s.lastID})
		if list {
			asked = p.link.send(&ipc.AskConnections{ID: s.lastID})
		}
		if asked {
			c.missing[p] = true
		}
	}
}

func (s *Supervisor) collectStatus(r *request) { s.ask(r, false, reportTimeout) }

func (s *Supervisor) collectConnections(r *request) { s.ask(r, true, listIdle) }

// onReport notes the figures of a process.
func (s *Supervisor) onReport(p *process, m *ipc.Report) {
	p.figures, p.shares, p.answeredAt = m.Figures, m.Workers, s.sys.now()
	if c := s.collects[m.ID]; c != nil && c.list {
		c.reported[p] = true
	} else if c != nil {
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
	c.listed[p] += len(m.Rows)
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
		} else if len(c.missing) > 0 {
			c.request.reply(&ipc.ConnectionList{Unlisted: s.unlisted(c)})
		}
		c.request.finish(ipc.CodeDone, "")
	}
}

// unlisted tells whose connections a list leaves out, by pid.
func (s *Supervisor) unlisted(c *collect) []ipc.UnlistedRow {
	rows := make([]ipc.UnlistedRow, 0, len(c.missing))
	for p := range c.missing {
		seen := s.processRow(p, !c.reported[p])
		rows = append(rows, ipc.UnlistedRow{
			PID: p.pid, Worker: seen.Worker, Slot: seen.Slot,
			Connections: seen.Connections, Listed: c.listed[p],
			Busy: seen.Busy, Answered: seen.Answered, Silent: seen.Silent,
		})
	}
	slices.SortFunc(rows, func(a, b ipc.UnlistedRow) int { return a.PID - b.PID })
	return rows
}
