package gateway

import (
	"bytes"
	"errors"
	"net/netip"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

// A BusinessWorker sends commands on its link and asks on another socket, and so does
// the PHP GatewayClient, with a connection for each command: what was sent first has to
// be done first (wire.md 2.10). So a question waits until the end of the turn, and
// then until nothing is left to read of the links of its host.

const (
	// linkSlice is how much is read of a link in one turn before a question of
	// its host is answered.
	linkSlice = 1 << 20
	// restless is how much of that says that more may be on its way: what the
	// kernel of the sender still has follows when room was made for it.
	restless = 64 << 10
	// maxLooks bounds the turns that a question waits, for a link that sends
	// without an end: 32 MiB were read by then, more than kernels keep.
	maxLooks = 32
)

// isQuestion says that a command has an answer.
func isQuestion(c wire.Command) bool {
	switch c {
	case wire.GetAllClientSessions, wire.IsOnline, wire.GetClientIDByUID,
		wire.BatchGetClientIDByUID, wire.GetClientSessionsByGroup, wire.GetClientCountByGroup,
		wire.Select, wire.GetGroupIDList, wire.BatchGetClientCountByGroup,
		wire.GetSessionByClientID:
		return true
	}
	return false
}

// ask keeps a question for answerAll. What the peer has sent behind it waits.
func (pe *peer) ask(packet []byte) {
	pe.question = bytes.Clone(packet)
	pe.looks = 0
	pe.conn.PauseRecv()
	pe.p.asked = append(pe.p.asked, pe)
	pe.p.postAnswers()
}

func (p *process) postAnswers() {
	if !p.posted && len(p.asked) > 0 {
		p.posted = true
		worker.Loop().Post(p.answerAll)
	}
}

// answerAll answers the questions that nothing stands before any more.
func (p *process) answerAll() {
	p.posted = false
	asked := p.asked
	p.asked = nil
	restlessHosts := make(map[netip.Addr]bool, 1)
	for _, pe := range asked {
		if pe.question == nil {
			continue // it has gone
		}
		waits, looked := restlessHosts[pe.ip]
		if !looked {
			waits = p.readBefore(pe)
			restlessHosts[pe.ip] = waits
		}
		if pe.looks++; waits && pe.looks < maxLooks {
			p.asked = append(p.asked, pe)
			continue
		}
		pe.answer()
	}
	p.postAnswers()
}

// readBefore does what the host of a peer has sent before its question; true: there
// may be more. Of connections that are no links those count that are older and in the
// middle of a packet, or have not been read yet.
func (p *process) readBefore(asker *peer) (more bool) {
	for conn := range p.inner.Connections() {
		pe, _ := conn.Data.(*peer)
		if pe == nil || pe == asker || pe.ip != asker.ip {
			continue
		}
		begun := conn.ID < asker.conn.ID && (conn.BytesRead == 0 || conn.RecvQueueSize() > 0)
		if (pe.link != nil || begun) && conn.ReadNow(linkSlice) >= restless {
			more = true
		}
	}
	return more
}

// answer answers the question of a peer and goes on with what it has sent since.
func (pe *peer) answer() {
	question := pe.question
	pe.question = nil
	if pk, err := wire.Parse(question); err == nil {
		pe.execute(pk, pe.reply)
	}
	pe.conn.ResumeRecv()
}

// reply sends an answer. A peer that asks and does not read is cut off: a dropped
// answer would be taken for that of the next question.
func (pe *peer) reply(value []byte) {
	err := pe.conn.SendRaw(wire.AppendReply(nil, value))
	if errors.Is(err, worker.ErrBufferFull) {
		pe.refuse("it does not read the answers to its questions")
	}
}
