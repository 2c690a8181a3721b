package gateway

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

// linkDeadline is how long a test waits for what should come at once.
const linkDeadline = 20 * time.Second

// linkService is a Gateway for text clients, and how to reach it.
type linkService struct {
	*wmtest.Service
	t testing.TB
	g *Gateway
}

// linkServe runs a Gateway that change has prepared.
func linkServe(t testing.TB, change func(g *Gateway)) *linkService {
	t.Helper()
	return linkServeAt(t, "text://127.0.0.1:7272", change)
}

// linkServeAt is linkServe for another address.
func linkServeAt(t testing.TB, address string, change func(g *Gateway)) *linkService {
	t.Helper()
	s := &linkService{t: t}
	s.Service = wmtest.Run(t, func() {
		s.g = New(address)
		s.g.RegisterAddress = []string{rigNoRegister(t)}
		if change != nil {
			change(s.g)
		}
	})
	return s
}

// inner is the address of the inner port.
func (s *linkService) inner() string { return s.Addr(s.g.Name + " inner") }

// do runs fn with the process of the Gateway on its loop.
func (s *linkService) do(fn func(p *process)) {
	s.t.Helper()
	inner := s.inner()
	s.Do(s.g.Name, func(*worker.Worker) { fn(localGateway(inner)) })
}

// linkPeer is a BusinessWorker, or a client of the API, made of bytes.
type linkPeer struct {
	t testing.TB
	*net.TCPConn
	r *bufio.Reader
}

// peer connects to the inner port.
func (s *linkService) peer() *linkPeer {
	s.t.Helper()
	return linkDial(s.t, s.inner())
}

// linkDial is for any address.
func linkDial(t testing.TB, address string) *linkPeer {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &linkPeer{t: t, TCPConn: conn.(*net.TCPConn), r: bufio.NewReader(conn)}
}

// link is a peer that is a BusinessWorker, once the Gateway knows it.
func (s *linkService) link(key string) *linkPeer {
	s.t.Helper()
	return s.linked(key, false)
}

// linkNow is link for one whom events wait for: they come at once.
func (s *linkService) linkNow(key string) *linkPeer {
	s.t.Helper()
	p := s.peer()
	p.hello(wire.WorkerHello{Key: key, Secret: s.g.SecretKey})
	return p
}

// linkWM is link for a BusinessWorker of wm.
func (s *linkService) linkWM(key string) *linkPeer {
	s.t.Helper()
	return s.linked(key, true)
}

func (s *linkService) linked(key string, wm bool) *linkPeer {
	s.t.Helper()
	p := s.peer()
	p.hello(wire.WorkerHello{Key: key, Secret: s.g.SecretKey, WM: wm})
	if wm {
		p.expect(wire.Welcome, "")
	}
	p.ask(1) // answered behind the hello
	return p
}

func (p *linkPeer) hello(h wire.WorkerHello) {
	p.t.Helper()
	p.send(wire.Packet{Command: wire.WorkerConnect, Flag: wire.Scalar, Body: h.Append(nil)})
}

func (p *linkPeer) send(packets ...wire.Packet) {
	p.t.Helper()
	var b []byte
	for _, pk := range packets {
		b = pk.Append(b)
	}
	p.sendRaw(b)
}

func (p *linkPeer) sendRaw(b []byte) {
	p.t.Helper()
	p.SetWriteDeadline(time.Now().Add(linkDeadline))
	if _, err := p.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// linkSendTo is a message for a client.
func linkSendTo(id uint32, message string) wire.Packet {
	return wire.Packet{Command: wire.SendToOne, Flag: wire.Scalar, ConnectionID: id,
		Body: []byte(message)}
}

// receive returns the next packet.
func (p *linkPeer) receive() (wire.Packet, error) {
	p.SetReadDeadline(time.Now().Add(linkDeadline))
	head, err := p.r.Peek(4)
	if err != nil {
		return wire.Packet{}, err
	}
	frame := make([]byte, binary.BigEndian.Uint32(head))
	if _, err := io.ReadFull(p.r, frame); err != nil {
		return wire.Packet{}, err
	}
	return wire.Parse(frame)
}

// must is receive for what has to come.
func (p *linkPeer) must() wire.Packet {
	p.t.Helper()
	pk, err := p.receive()
	if err != nil {
		p.t.Fatal(err)
	}
	return pk
}

// expect waits for a packet of a kind with a body.
func (p *linkPeer) expect(what wire.Command, body string) wire.Packet {
	p.t.Helper()
	pk, err := p.receive()
	if err != nil {
		p.t.Fatalf("no packet %d %q: %v", what, body, err)
	}
	if pk.Command != what || string(pk.Body) != body {
		p.t.Fatalf("got packet %d %q, want %d %q", pk.Command, pk.Body, what, body)
	}
	return pk
}

// expectEnd waits for the end of the connection, before which nothing comes.
func (p *linkPeer) expectEnd() {
	p.t.Helper()
	p.SetReadDeadline(time.Now().Add(linkDeadline))
	if b, err := p.r.ReadByte(); err == nil {
		p.t.Fatalf("got byte %#x, want the end", b)
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatal("the connection has not ended")
	}
}

// ask asks whether a client is online.
func (p *linkPeer) ask(id uint32) bool {
	p.t.Helper()
	p.send(wire.Packet{Command: wire.IsOnline, Flag: wire.Scalar, ConnectionID: id})
	switch got := p.answer(); got {
	case "i:1;":
		return true
	case "i:0;":
	default:
		p.t.Fatalf("answered %q", got)
	}
	return false
}

// answer waits for the answer to a question.
func (p *linkPeer) answer() string {
	p.t.Helper()
	p.SetReadDeadline(time.Now().Add(linkDeadline))
	var head [4]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		p.t.Fatalf("no answer: %v", err)
	}
	value := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(p.r, value); err != nil {
		p.t.Fatalf("half an answer: %v", err)
	}
	return string(value)
}
