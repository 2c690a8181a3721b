package websocket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	other "github.com/coder/websocket"

	"github.com/workerman-go/wm/protocol"
)

// interopMessages are echoed by either side in turn.
var interopMessages = []string{"a", "", chat(600), noise(700), chat(600), chat(60000),
	noise(70000), "é", chat(150)}

var interopModes = []struct {
	o    Options
	mode other.CompressionMode
}{
	{Options{}, other.CompressionDisabled},
	{Options{}, other.CompressionContextTakeover},
	{Options{Compress: true}, other.CompressionDisabled},
	{Options{Compress: true}, other.CompressionNoContextTakeover},
	{Options{Compress: true}, other.CompressionContextTakeover},
	{Options{Compress: true, ContextTakeover: true}, other.CompressionNoContextTakeover},
	{Options{Compress: true, ContextTakeover: true}, other.CompressionContextTakeover},
}

// wire runs a connection over a socket until either side ends it.
func (c *conn) wire(socket net.Conn, onMessage func(message []byte)) error {
	defer socket.Close()
	var in []byte
	buf := make([]byte, 32<<10)
	for {
		if _, err := socket.Write(c.flush()); err != nil || c.closed {
			return err
		}
		n, err := socket.Read(buf)
		if err != nil {
			return err
		}
		in = append(in, buf[:n]...)
		for len(in) > 0 && !c.closed {
			m, n, err := c.step(in)
			if err != nil && !errors.Is(err, protocol.Skip) {
				return err
			}
			if n == 0 {
				break
			}
			if err == nil {
				onMessage(m)
			}
			in = in[n:]
		}
	}
}

// echo sends a message back as it came.
func (c *conn) echo(t *testing.T, m []byte) {
	if Binary(c) {
		out, err := c.speaks().EncodeBinary(c.sent, m, c)
		if err != nil {
			t.Error(err)
		}
		c.sent = out
		return
	}
	c.send(t, string(m))
}

func TestServerWithAnotherClient(t *testing.T) {
	for _, tt := range interopModes {
		t.Run(fmt.Sprintf("%+v with mode %d", tt.o, tt.mode), func(t *testing.T) {
			tt.o.Subprotocols = []string{"v2"}
			c := &conn{p: with(tt.o), max: 1 << 20}
			ended := make(chan error, 1)
			url := serveOne(t, func(socket net.Conn) {
				ended <- c.wire(socket, func(m []byte) { c.echo(t, m) })
			})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			w, _, err := other.Dial(ctx, url, &other.DialOptions{CompressionMode: tt.mode,
				Subprotocols: []string{"v1", "v2"}})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = w.CloseNow() }()
			if got := w.Subprotocol(); got != "v2" {
				t.Errorf("subprotocol %q, want v2", got)
			}
			w.SetReadLimit(1 << 20)
			for i, m := range interopMessages {
				kind := []other.MessageType{other.MessageText, other.MessageBinary}[i%2]
				if err := w.Write(ctx, kind, []byte(m)); err != nil {
					t.Fatal(err)
				}
				gotKind, got, err := w.Read(ctx)
				if err != nil || gotKind != kind || string(got) != m {
					t.Fatalf("message %d: %v %.40q, %v", i, gotKind, got, err)
				}
			}
			if err := w.Close(4000, "bye"); err != nil {
				t.Errorf("close: %v", err)
			}
			if err := <-ended; err != nil {
				t.Errorf("our side: %v", err)
			}
			wantExtension(t, c, tt.o.Compress && tt.mode != other.CompressionDisabled)
			last := c.events[len(c.events)-1]
			if e, ok := last.(*CloseReceived); !ok || *e != (CloseReceived{4000, "bye"}) {
				t.Errorf("last event %#v, want the close", last)
			}
		})
	}
}

func wantExtension(t *testing.T, c *conn, want bool) {
	t.Helper()
	if s, ok := c.state.(*session); !ok || (s.extension != nil) != want {
		t.Errorf("compression agreed: %t, want %t", !want, want)
	}
}

// serveOne gives the first connection to serve, which t waits for.
func serveOne(t *testing.T, serve func(socket net.Conn)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	t.Cleanup(func() {
		_ = l.Close()
		<-served
	})
	go func() { // ends with the connection, or with the listener
		defer close(served)
		if socket, err := l.Accept(); err == nil {
			serve(socket)
		}
	}()
	return "ws://" + l.Addr().String()
}

func TestClientWithAnotherServer(t *testing.T) {
	for _, tt := range interopModes {
		t.Run(fmt.Sprintf("%+v with mode %d", tt.o, tt.mode), func(t *testing.T) {
			closed := make(chan error, 1)
			server := httptest.NewServer(echoing(closed, &other.AcceptOptions{
				CompressionMode: tt.mode, Subprotocols: []string{"v2"}}))
			defer server.Close()
			socket, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			if err := socket.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			c := &conn{p: with(tt.o), dialled: true, max: 1 << 20, state: &Request{
				Host: "example.com", Path: "/chat", Subprotocols: []string{"v1", "v2"}}}
			sent := 0
			next := func() {
				if sent < len(interopMessages) {
					c.send(t, interopMessages[sent])
				} else {
					c.sent, err = c.p.AppendCode(c.sent, 4001, "done", c)
				}
				sent++
			}
			c.take = func(e any) bool {
				if e, ok := e.(*Connected); ok {
					if got := e.Header.Get("Sec-WebSocket-Protocol"); got != "v2" {
						t.Errorf("subprotocol %q, want v2", got)
					}
					next()
				}
				return false
			}
			c.p.OnConnect(c)
			wired := c.wire(socket, func(m []byte) {
				if want := interopMessages[sent-1]; string(m) != want {
					t.Errorf("message %d: %.40q, want %.40q", sent, m, want)
				}
				next()
			})
			if err != nil || wired != nil || sent != len(interopMessages)+1 {
				t.Errorf("%d messages, %v, %v", sent, err, wired)
			}
			wantExtension(t, c, tt.o.Compress && tt.mode != other.CompressionDisabled)
			var e other.CloseError
			if err := <-closed; !errors.As(err, &e) || e.Code != 4001 || e.Reason != "done" {
				t.Errorf("the server saw %v, want our close", err)
			}
		})
	}
}

// echoing serves a connection until it is closed and says how.
func echoing(closed chan<- error, o *other.AcceptOptions) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w, err := other.Accept(rw, r, o)
		if err != nil {
			closed <- err
			return
		}
		defer func() { _ = w.CloseNow() }()
		w.SetReadLimit(1 << 20)
		for {
			kind, m, err := w.Read(r.Context())
			if err == nil {
				err = w.Write(r.Context(), kind, m)
			}
			if err != nil {
				closed <- err
				return
			}
		}
	})
}
