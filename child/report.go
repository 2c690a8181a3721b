package child

import (
	"os"
	"time"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/worker"
)

// report answers ask-report on the harness goroutine, with the figures that
// the loop published last: a blocked loop is reported, not waited for.
func (p *process) report(id uint64) {
	figures := ipc.Figures{Busy: p.busy(), DroppedLogLines: p.out.dropped.Load()}
	if served := p.served.Load(); served != nil {
		f := served.Figures()
		figures.Connections = f.Connections
		figures.TotalRequest = f.TotalRequest
		figures.SendFail = f.SendFail
		figures.ThrowException = f.ThrowException
		figures.Timers = f.Timers
	}
	p.out.send(&ipc.Report{ID: id, Figures: figures, Workers: p.shares()})
}

// shares tells the open connections of several Workers apart; nil for one.
func (p *process) shares() map[string]int64 {
	if p.keys == nil {
		return nil
	}
	shares := map[string]int64{}
	for i, n := range p.served.Load().Shares() {
		shares[p.keys[i]] = n
	}
	return shares
}

// busy is for how long the loop has not come back; before there is one, Start
// has not.
func (p *process) busy() time.Duration {
	if served := p.served.Load(); served != nil {
		return served.Figures().Busy
	}
	return time.Since(p.begun)
}

// listConnections answers ask-connections piece by piece, as the loop finds
// time. The writer sends them. Runs on the loop.
func (p *process) listConnections(id uint64) {
	p.served.Load().List(func(found []worker.ConnectionInfo) bool {
		rows := make([]ipc.ConnectionRow, 0, len(found))
		for _, info := range found {
			rows = append(rows, p.row(info))
		}
		p.out.send(&ipc.Connections{ID: id, Rows: rows, Last: found == nil})
		return true
	})
}

func (p *process) row(info worker.ConnectionInfo) ipc.ConnectionRow {
	name := p.told.Spec.Name
	if p.keys != nil && info.Worker != nil {
		name = info.Worker.Name
	}
	return ipc.ConnectionRow{
		PID:      os.Getpid(),
		Worker:   name,
		ID:       info.ID,
		Trans:    info.Transport,
		Protocol: info.Protocol,
		IPv4:     info.IPv4,
		IPv6:     info.IPv6,
		RecvQ:    info.RecvQ,
		SendQ:    info.SendQ,
		BytesR:   info.BytesR,
		BytesW:   info.BytesW,
		Status:   info.Status,
		Local:    info.Local,
		Foreign:  info.Foreign,
	}
}
