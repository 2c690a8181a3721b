package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

func TestMessagesGoThroughTheProtocolOfEachClient(t *testing.T) {
	s := clientsServe(t, nil, "text", "frame", "tcp", "websocket")
	var all []*wmtest.Client
	for _, name := range s.names {
		for range 3 {
			c, _ := s.dial(name)
			all = append(all, c)
		}
	}
	long := strings.Repeat("long ", 2000)
	s.must(clientsSay("hi"), clientsSay(long), clientsSayValue("i:5;"), clientsSayValue(`s:2:"ho";`),
		clientsSayValue("d:0.5;"), clientsSayValue("b:1;"))
	for _, c := range all {
		for _, want := range []string{"hi", long, "5", "ho", "0.5", "1"} {
			c.Expect(want)
		}
	}
}

func TestMessagesForCompressedClients(t *testing.T) {
	s := clientsServe(t, func(w *worker.Worker) {
		w.Protocol = websocket.New(websocket.Options{Compress: true, MinSize: 1})
	}, "websocket")
	modes := []coder.CompressionMode{coder.CompressionNoContextTakeover, coder.CompressionDisabled}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var all []*coder.Conn
	for i := range 6 {
		c, _, err := coder.Dial(ctx, "ws://"+s.Addr("websocket"),
			&coder.DialOptions{CompressionMode: modes[i%2]})
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		all = append(all, c)
		s.newest()
	}
	long := strings.Repeat("long ", 2000)
	s.must(clientsSay(long), clientsSayValue("a:1:{i:0;i:1;}"))
	for i, c := range all {
		for _, want := range []string{long, "[1]"} {
			if _, got, err := c.Read(ctx); err != nil || string(got) != want {
				t.Errorf("client %d: %.20q, %v, want %.20q", i, got, err, want)
			}
		}
	}
}

func TestArraysAreJSONForWebSockets(t *testing.T) {
	s := clientsServe(t, nil, "websocket", "text", "frame", "tcp")
	var all []*wmtest.Client
	for _, name := range append(s.names, "websocket") {
		c, _ := s.dial(name)
		all = append(all, c)
	}
	errs := s.execute(clientsSayValue(`a:2:{s:1:"a";s:2:"é";i:5;a:1:{i:0;b:1;}}`),
		clientsSayValue("N;"), clientsSayValue(`a:1:{i:0;s:1:"`+"\xff"+`";}`),
		clientsSayValue(`O:8:"stdClass":0:{}`), clientsSayValue("a:1:{"),
		clientsSayValue(""), clientsSay("end"))
	if !errors.Is(errs[0], errValue) || !errors.Is(errs[1], errValue) {
		t.Errorf("errors about the clients that get no values: %v, %v", errs[0], errs[1])
	}
	for i, err := range errs[2:] {
		if last := i == len(errs)-3; (err == nil) != last {
			t.Errorf("packet %d: error %v", i, err)
		}
	}
	for i, c := range all {
		if i == 0 || i == 4 {
			c.Expect(`{"a":"é","5":[true]}`)
			c.Expect("null")
		}
		c.Expect("end")
	}
}

// deliverPrinting is a protocol of an author that knows arrays.
type deliverPrinting struct{ protocol.Protocol }

func (deliverPrinting) Encode(dst []byte, v any, c protocol.Conn) ([]byte, error) {
	if a, ok := v.(*phpserialize.Array); ok {
		v = fmt.Sprint("array of ", a.Len())
	}
	return text.Protocol.Encode(dst, v, c)
}

func TestArraysGoToProtocolsOfTheAuthor(t *testing.T) {
	s := clientsServe(t, func(w *worker.Worker) {
		w.Protocol = deliverPrinting{text.Protocol}
		w.OnValue = func(*worker.Connection, any) {}
		w.OnMessage = nil
	}, "tcp")
	var all []*bufio.Reader
	for range 3 {
		all = append(all, bufio.NewReader(clientsSocket(t, s, "tcp")))
	}
	s.must(clientsSayValue(`a:1:{s:1:"a";i:1;}`))
	for _, c := range all {
		if line, err := c.ReadString('\n'); line != "array of 1\n" {
			t.Errorf("got %q, %v", line, err)
		}
	}
}

func TestRawBytesPassTheProtocol(t *testing.T) {
	s := clientsServe(t, nil, "websocket", "text")
	ws, id := s.dial("websocket")
	line, _ := s.dial("text")
	raw := func(to wire.Packet, flag wire.Flag, body string) wire.Packet {
		to.Flag, to.Body = flag|wire.Raw, []byte(body)
		return to
	}
	one := wire.Packet{Command: wire.SendToOne, ConnectionID: id}
	s.must(raw(one, wire.Scalar, "\x81\x02hi"), raw(clientsSay(""), wire.Scalar, "\x81\x02ho"))
	if errs := s.execute(raw(one, 0, "a:0:{}")); errs[0] != nil {
		t.Errorf("an array is never raw: %v", errs[0])
	}
	ws.Expect("hi")
	ws.Expect("ho")
	ws.Expect("[]")
	s.must(clientsSay("!"))
	line.Expect("\x81\x02ho!")
}

// PHP writes raw bytes in front of the 101, which ends the client.
func TestNothingLeavesBeforeTheHandshake(t *testing.T) {
	s := clientsServe(t, nil, "websocket")
	conn := clientsSocket(t, s, "websocket")
	id := s.newest()
	raw := wire.Packet{Command: wire.SendToOne, Flag: wire.Scalar | wire.Raw, ConnectionID: id}
	raw.Body = []byte("\x81\x01r")
	s.must(raw, clientsSay("e"), raw)
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	in := bufio.NewReader(conn)
	response, err := http.ReadResponse(in, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("response %v, %v", response, err)
	}
	s.must(raw, clientsSay("l"))
	want := "\x81\x01e\x81\x01r\x81\x01r\x81\x01r\x81\x01l"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(in, got); err != nil || string(got) != want {
		t.Errorf("behind the 101: %q, %v, want %q", got, err, want)
	}
}

func TestEarlyRawBytesAreBounded(t *testing.T) {
	s := clientsServe(t, nil, "websocket")
	conn := clientsSocket(t, s, "websocket")
	id := s.newest()
	s.Do("websocket", func(*worker.Worker) { s.p.clients.byID(id).conn.MaxSendBufferSize = 1000 })
	raw := wire.Packet{Command: wire.SendToOne, Flag: wire.Scalar | wire.Raw, ConnectionID: id}
	raw.Body = make([]byte, 600)
	errs := s.execute(raw, raw, raw)
	if errs[0] != nil || errs[1] != nil || errs[2] == nil {
		t.Errorf("three times 600 bytes for a buffer of 1000: %v", errs)
	}
	conn.Close()
	s.Do("websocket", func(*worker.Worker) { // the loop has seen the end
		if len(s.p.clients.early) != 0 {
			t.Error("bytes for a client that is gone are kept")
		}
	})
}

// deliverCounting counts how often a protocol encodes.
type deliverCounting struct {
	protocol.Protocol
	n *int
}

func (e deliverCounting) Encode(dst []byte, v any, c protocol.Conn) ([]byte, error) {
	*e.n++
	return e.Protocol.Encode(dst, v, c)
}

func (deliverCounting) Class(protocol.Conn) int { return 1 }

func TestBroadcastEncodesForAllAtOnce(t *testing.T) {
	encoded := 0
	s := clientsServe(t, func(w *worker.Worker) {
		w.Protocol = deliverCounting{text.Protocol, &encoded}
		w.OnValue = func(*worker.Connection, any) {}
		w.OnMessage = nil
	}, "tcp")
	for range 10 {
		clientsSocket(t, s, "tcp")
	}
	s.must(clientsSay("hi"))
	if encoded != 2 { // for the first, and for all others
		t.Errorf("encoded %d times for 10 clients", encoded)
	}
}

func TestAFullBufferLosesTheMessageOfOneClient(t *testing.T) {
	s := clientsServe(t, nil, "text")
	stuck := clientsSocket(t, s, "text")
	id := s.newest()
	quick, _ := s.dial("text")
	message := strings.Repeat("x", 1<<20)
	s.Do("text", func(*worker.Worker) { s.p.clients.byID(id).conn.MaxSendBufferSize = 1000 })
	for lost := false; !lost; {
		s.must(clientsSay(message))
		quick.Expect(message)
		s.Do("text", func(*worker.Worker) { lost = worker.Stats().SendFail > 0 })
	}
	s.must(clientsSay("still here"))
	quick.Expect("still here")
	stuck.Close()
}
