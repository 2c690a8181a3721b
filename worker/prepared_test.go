package worker_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/workerman-go/wm/protocol"
	ws "github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/worker"
)

func TestCompressedAndPlainClientsOfOneBroadcast(t *testing.T) {
	const clients = 6
	for _, takeover := range []bool{false, true} {
		w := upgraded(newEvents())
		w.Protocol = ws.New(ws.Options{Compress: true, ContextTakeover: takeover})
		s := start(t, w)
		modes := []websocket.CompressionMode{
			websocket.CompressionDisabled, websocket.CompressionNoContextTakeover,
			websocket.CompressionContextTakeover,
		}
		var all []*browser
		for i := range clients {
			c, _ := browse(t, s, "", &websocket.DialOptions{CompressionMode: modes[i%len(modes)]})
			all = append(all, c)
		}
		for i := range 3 {
			message := strings.Repeat(fmt.Sprint("message ", i, " "), 1000)
			m := worker.Prepare(message)
			s.do(func() { w.Broadcast(m) })
			if n := worker.Encodings(m); !takeover && n != 2 {
				t.Errorf("encoded %d times for plain and compressed clients", n)
			}
			for _, c := range all {
				c.expectText(message)
				c.send(message)
				c.expectText(message)
			}
		}
	}
}

// counting wraps a protocol and counts its work.
type counting struct {
	protocol.Protocol
	class   func(c protocol.Conn) int
	encodes *int
}

func (p counting) Class(c protocol.Conn) int { return p.class(c) }

func TestBroadcastAndPrepareEncodeOncePerClass(t *testing.T) {
	const clients = 12
	for _, classes := range []int{1, 3} {
		encodes := 0
		p := &counting{Protocol: ws.Protocol, encodes: &encodes}
		p.class = func(c protocol.Conn) int { return int(c.(*worker.Connection).ID)%classes + 1 }
		other := &counting{Protocol: ws.Protocol, encodes: &encodes,
			class: func(protocol.Conn) int { return 1 }}
		w := worker.New("text://127.0.0.1:0")
		w.OnMessage = func(c *worker.Connection, data []byte) {}
		accepted := conns(w)
		s := start(t, w)
		var all []*client
		var conns []*worker.Connection
		for range clients {
			all = append(all, s.dial())
			conns = append(conns, await(t, accepted, "connection"))
		}
		s.do(func() {
			shared := &wrapped{p}
			for _, c := range conns[:clients-1] {
				c.SetProtocol(shared)
			}
			conns[clients-1].SetProtocol(&wrapped{other})
			w.Broadcast("one")
			w.Broadcast(worker.Prepare("two"), conns[0])
			m := worker.Prepare("three")
			for range 3 {
				for _, c := range conns {
					c.Send(m)
				}
			}
		})
		if want := 3 * (classes + 1); encodes != want {
			t.Errorf("%d classes: encoded %d times, want %d", classes, encodes, want)
		}
		for i, c := range all {
			want := "[one][two]" + strings.Repeat("[three]", 3)
			if i == 0 {
				want = strings.Replace(want, "[two]", "", 1)
			}
			c.expect(want)
		}
	}
}

// wrapped puts messages in brackets.
type wrapped struct{ *counting }

func (p *wrapped) Encode(dst []byte, v any, c protocol.Conn) ([]byte, error) {
	*p.encodes++
	return append(append(append(dst, '['), fmt.Sprint(v)...), ']'), nil
}

func (p *wrapped) Input(buf []byte, c protocol.Conn) (int, error) { return len(buf), nil }
