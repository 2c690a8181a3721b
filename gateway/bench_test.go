package gateway

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
)

// The whole way of a message through one process, over sockets: the other end is made
// of bytes and allocates nothing, so that allocations are those of the process.

// benchBatch is how many messages are on the way at once.
const benchBatch = 256

var benchMessage = strings.Repeat("m", 32)

// benchPeer is the other end of an inner connection.
type benchPeer struct {
	tb   testing.TB
	conn net.Conn
	r    *bufio.Reader
}

func newBenchPeer(tb testing.TB, conn net.Conn) *benchPeer {
	return &benchPeer{tb, conn, bufio.NewReaderSize(conn, 64<<10)}
}

func (p *benchPeer) write(bytes []byte) {
	p.conn.SetDeadline(time.Now().Add(linkDeadline))
	if _, err := p.conn.Write(bytes); err != nil {
		p.tb.Fatal(err)
	}
}

// skip reads packets.
func (p *benchPeer) skip(packets int) {
	p.conn.SetDeadline(time.Now().Add(linkDeadline))
	for range packets {
		head, err := p.r.Peek(4)
		if err == nil {
			_, err = p.r.Discard(int(binary.BigEndian.Uint32(head)))
		}
		if err != nil {
			p.tb.Fatal(err)
		}
	}
}

// batches runs fn until b.N messages have passed.
func batches(b *testing.B, fn func()) {
	fn()
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += benchBatch {
		fn()
	}
}

// BenchmarkBusinessWorker is an event that comes, its handler, and what that sends.
func BenchmarkBusinessWorker(b *testing.B) {
	for _, bench := range []struct {
		name, session string
		handle        func(e *Event, message []byte)
	}{
		{"Send", "", func(e *Event, m []byte) { e.Send(m) }},
		{"WithSession", `a:1:{s:4:"name";s:3:"tom";}`, func(e *Event, m []byte) { e.Send(m) }},
		{"SendToClient", "", func(e *Event, m []byte) { SendToClient(e.ClientID, m) }},
		{"SendToUID", "", func(_ *Event, m []byte) { SendToUID("uid", m) }},
		{"SendToGroup", "", func(_ *Event, m []byte) { SendToGroup("group", m) }},
		{"SendToAll", "", func(_ *Event, m []byte) { SendToAll(m) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			gateway := benchBusiness(b, bench.handle)
			var events []byte
			addr := gateway.conn.LocalAddr().(*net.TCPAddr)
			for i := range benchBatch {
				pk := wire.Packet{
					Command: wire.OnMessage, Flag: wire.Scalar, LocalIP: 0x7f000001,
					LocalPort: uint16(addr.Port), ClientIP: 0x0a000007, ConnectionID: uint32(i + 1),
					Ext: []byte(bench.session), Body: []byte(benchMessage),
				}
				events = pk.Append(events)
			}
			batches(b, func() {
				gateway.write(events)
				gateway.skip(benchBatch)
			})
		})
	}
}

// benchBusiness runs a BusinessWorker and returns its link, at the Gateway.
func benchBusiness(b *testing.B, handle func(e *Event, message []byte)) *benchPeer {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ln.Close() })
	r := runBusiness(b, func(w *BusinessWorker) { w.OnMessage = handle })
	r.loop(func() { r.b.run.links.changed([]string{ln.Addr().String()}) })
	conn, err := ln.Accept()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	p := newBenchPeer(b, conn)
	p.skip(1) // hello
	return p
}

// BenchmarkGateway is a message of a client on its way to a BusinessWorker, and
// commands that send to it.
func BenchmarkGateway(b *testing.B) {
	s := linkServe(b, nil)
	link := s.link("BW:0")
	client, err := net.Dial("tcp", s.Addr(s.g.Name))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { client.Close() })
	id := link.expect(wire.OnConnect, "").ConnectionID
	link.send(
		wire.Packet{Command: wire.BindUID, ConnectionID: id, Ext: []byte("uid")},
		wire.Packet{Command: wire.JoinGroup, ConnectionID: id, Ext: []byte("group")},
		wire.Packet{Command: wire.SetSession, ConnectionID: id, Ext: []byte("a:0:{}")},
	)
	peer := newBenchPeer(b, link.TCPConn)
	b.Run("Event", func(b *testing.B) {
		messages := bytes.Repeat([]byte(benchMessage+"\n"), benchBatch)
		batches(b, func() {
			if _, err := client.Write(messages); err != nil {
				b.Fatal(err)
			}
			peer.skip(benchBatch)
		})
	})
	got := make([]byte, benchBatch*(len(benchMessage)+1))
	for _, bench := range []struct {
		name string
		pk   wire.Packet
	}{
		{"SendToOne", wire.Packet{Command: wire.SendToOne, ConnectionID: id}},
		{"SendToUID", wire.Packet{Command: wire.SendToUID, Ext: []byte(`["uid"]`)}},
		{"SendToGroup", wire.Packet{Command: wire.SendToGroup,
			Ext: []byte(`{"group":["group"],"exclude":null}`)}},
		{"SendToAll", wire.Packet{Command: wire.SendToAll}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			bench.pk.Flag, bench.pk.Body = wire.Scalar, []byte(benchMessage)
			commands := bytes.Repeat(bench.pk.Append(nil), benchBatch)
			batches(b, func() {
				peer.write(commands)
				if _, err := io.ReadFull(client, got); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
