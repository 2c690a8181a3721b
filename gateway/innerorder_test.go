package gateway

import (
	"fmt"
	"testing"

	"github.com/workerman-go/wm/gateway/wire"
)

// linkJoin has client id join group n.
func linkJoin(id uint32, n int) wire.Packet {
	return wire.Packet{Command: wire.JoinGroup, Flag: wire.Scalar, ConnectionID: id,
		Ext: fmt.Appendf(nil, "group %d", n)}
}

// linkCount asks how many are in group n.
func linkCount(n int) wire.Packet {
	return wire.Packet{Command: wire.GetClientCountByGroup, Flag: wire.Scalar,
		Ext: fmt.Appendf(nil, "group %d", n)}
}

func TestAQuestionSeesWhatItsHostHasSentOnLinks(t *testing.T) {
	s := linkServe(t, nil)
	l := s.link("BW:0")
	l.SetWriteBuffer(8 << 20)
	s.Dial("Gateway")
	id := l.expect(wire.OnConnect, "").ConnectionID
	asker := s.peer()
	asker.ask(1)
	const bytes = 5 << 20
	body := make([]byte, 2000)
	for round := range 5 {
		var commands []byte
		for len(commands) < bytes {
			commands = (&wire.Packet{Command: wire.SendToOne, ConnectionID: id + 1,
				Flag: wire.Scalar, Body: body}).Append(commands)
		}
		join := linkJoin(id, round)
		l.sendRaw(join.Append(commands))
		asker.send(linkCount(round))
		if got := asker.answer(); got != "i:1;" {
			t.Fatalf("round %d: the question was answered %q, before %d bytes of commands",
				round, got, len(commands))
		}
	}
}

func TestQuestionsAndCommandsOfOneConnectionKeepTheirOrder(t *testing.T) {
	s := linkServe(t, nil)
	l := s.link("BW:0")
	s.Dial("Gateway")
	id := l.expect(wire.OnConnect, "").ConnectionID
	p := s.peer()
	const rounds = 200
	var packets []wire.Packet
	for n := range rounds {
		packets = append(packets, linkCount(n), linkJoin(id, n), linkCount(n))
	}
	p.send(packets...)
	p.CloseWrite() // and yet all is answered
	for n := range rounds {
		if before, behind := p.answer(), p.answer(); before != "i:0;" || behind != "i:1;" {
			t.Fatalf("round %d: %s before and %s behind the command", n, before, behind)
		}
	}
	p.expectEnd()
}

func TestAConnectionForEachCommand(t *testing.T) {
	s := linkServe(t, linkSecret)
	l := s.link("BW:0")
	s.Dial("Gateway")
	id := l.expect(wire.OnConnect, "").ConnectionID
	hello := wire.Packet{Command: wire.GatewayClientConnect, Flag: wire.Scalar,
		Body: wire.ClientHello{Secret: "the secret"}.Append(nil)}
	large := wire.Packet{Command: wire.SendToOne, ConnectionID: id + 1, Flag: wire.Scalar,
		Body: make([]byte, 1<<20)}
	for n := range 50 {
		p := s.peer()
		p.send(hello, large, linkJoin(id, n))
		p.Close()
		p = s.peer()
		p.send(hello, linkCount(n))
		if got := p.answer(); got != "i:1;" {
			t.Fatalf("round %d: %s", n, got)
		}
	}
}

func TestALinkThatAsksIsAnswered(t *testing.T) {
	s := linkServe(t, nil)
	a, b := s.link("BW:0"), s.link("BW:1")
	for range 20 {
		a.send(linkCount(0))
		b.send(linkCount(0), linkCount(1))
		for _, l := range []*linkPeer{a, b, b} {
			if got := l.answer(); got != "i:0;" {
				t.Fatal(got)
			}
		}
	}
}

func TestWhoAsksAndDoesNotReadIsCutOff(t *testing.T) {
	s := linkServe(t, func(g *Gateway) { g.SendToWorkerBuffer = 64 << 10 })
	l := s.link("BW:0")
	s.Dial("Gateway")
	id := l.expect(wire.OnConnect, "").ConnectionID
	l.send(wire.Packet{Command: wire.SetSession, ConnectionID: id, Ext: make([]byte, 1<<20)})
	p := s.peer()
	question := (&wire.Packet{Command: wire.GetSessionByClientID, ConnectionID: id}).Append(nil)
	go func() { // ends when the Gateway has closed, or the test
		for {
			if _, err := p.Write(question); err != nil {
				return
			}
		}
	}()
	s.ExpectLog("it does not read the answers")
	l.ask(1)
}
