package gateway

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
)

func TestNobodyIsAcceptedBeforeTheFirstBusinessWorker(t *testing.T) {
	s := linkServe(t, nil)
	c := linkDial(t, s.Addr("Gateway"))
	c.sendRaw(holdLines(0, 1))
	s.Advance(9 * time.Second)
	s.do(func(p *process) {
		if len(p.of) != 0 {
			t.Error("a client was accepted")
		}
	})
	l := s.linkNow("BW:0")
	l.expect(wire.OnConnect, "")
	l.holdExpect(0, 1)
}

func TestClientsAreAcceptedWhenNoBusinessWorkerComes(t *testing.T) {
	s := linkServe(t, nil)
	s.Advance(11 * time.Second)
	s.ExpectLog("no BusinessWorker within 10s, accepting clients anyway")
	c := linkDial(t, s.Addr("Gateway"))
	c.sendRaw(holdLines(0, 1))
	s.do(func(p *process) {
		if len(p.of) != 1 {
			t.Error("the client was not accepted")
		}
	})
	s.Advance(11 * time.Second)
	c.expectEnd()
}

func TestWithoutBusinessWaitClientsAreClosedAtOnce(t *testing.T) {
	s := linkServe(t, func(g *Gateway) { g.BusinessWait = 0 })
	linkDial(t, s.Addr("Gateway")).expectEnd()
	l := s.link("BW:0")
	c := s.Dial("Gateway")
	l.expect(wire.OnConnect, "")
	c.Send("hello")
	l.expect(wire.OnMessage, "hello")
	s.holdNone()
}

func TestAMessageThatFitsIntoNoPacketEndsItsClient(t *testing.T) {
	s := linkServeAt(t, "frame://127.0.0.1:7272", nil)
	l := s.link("BW:0")
	const session, header = 100, 4
	client := func() *linkPeer {
		c := linkDial(t, s.Addr("Gateway"))
		id := l.expect(wire.OnConnect, "").ConnectionID
		l.send(wire.Packet{Command: wire.SetSession, ConnectionID: id, Ext: make([]byte, session)})
		l.ask(id)
		return c
	}
	message := func(size int) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(header+size)), make([]byte, size)...)
	}
	const room = wire.MaxPacketBytes - innerOverhead - header
	fits, aboveAll, aboveWithSession := client(), client(), client()
	fits.sendRaw(message(room - session))
	l.expect(wire.OnMessage, string(make([]byte, room-session)))
	aboveAll.sendRaw(message(room + 1)[:header])
	aboveAll.expectEnd()
	l.expect(wire.OnClose, "")
	aboveWithSession.sendRaw(message(room))
	aboveWithSession.expectEnd()
	l.expect(wire.OnClose, "")
	s.ExpectLog("makes a packet of 10485840 bytes with its session")
	fits.sendRaw(message(5))
	l.expect(wire.OnMessage, string(make([]byte, 5)))
}
