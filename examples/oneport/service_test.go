package oneport

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/workerman-go/wm/examples/servicetest"
)

func TestService(t *testing.T) {
	s := servicetest.Start(t, "127.0.0.1:8484")
	t.Run("text", func(t *testing.T) {
		conn := s.Dial()
		conn.Write([]byte("tom\r\nann\n"))
		servicetest.WantReply(t, conn, "hello tom\nhello ann\n")
	})
	t.Run("http", func(t *testing.T) {
		conn := s.Dial()
		reader := bufio.NewReader(conn)
		for _, name := range []string{"tom", "ann"} { // on one connection
			conn.Write([]byte("GET /?name=" + name + " HTTP/1.1\r\nHost: a\r\n\r\n"))
			wantResponse(t, reader, http.StatusOK, "hello "+name)
		}
	})
	t.Run("websocket", func(t *testing.T) {
		conn := s.Dial()
		conn.Write([]byte(upgrade))
		reader := bufio.NewReader(conn)
		wantResponse(t, reader, http.StatusSwitchingProtocols, "")
		conn.Write([]byte("\x81\x83\x00\x00\x00\x00tom")) // text, masked with zeros
		servicetest.WantReply(t, peeked{conn, reader}, "\x81\x09hello tom")
	})
	t.Run("http byte by byte", func(t *testing.T) {
		conn := s.Dial()
		for _, b := range []byte("GET /?name=tom HTTP/1.1\r\nHost: a\r\n\r\n") {
			conn.Write([]byte{b})
		}
		wantResponse(t, bufio.NewReader(conn), http.StatusOK, "hello tom")
	})
}

// peeked is a connection of which something was read ahead.
type peeked struct {
	net.Conn
	reader *bufio.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.reader.Read(b) }

func wantResponse(t *testing.T, reader *bufio.Reader, status int, body string) {
	t.Helper()
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != status {
		t.Fatalf("status %s, want %d", response.Status, status)
	}
	got := make([]byte, max(response.ContentLength, 0))
	if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != body {
		t.Fatalf("body %q, %v, want %q", got, err, body)
	}
}
