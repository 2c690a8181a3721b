package load

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
)

const pageSize = 300_000

// pages answers each request with body, in writes of so many bytes.
func pages(t *testing.T, body []byte, step int) netip.AddrPort {
	return serve(t, func(c net.Conn) {
		answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
		answer = append(answer, body...)
		request := make([]byte, len("GET /f HTTP/1.1\r\nHost: bench\r\n\r\n"))
		for {
			if _, err := io.ReadFull(c, request); err != nil {
				return
			}
			for rest := answer; len(rest) > 0; {
				n, err := c.Write(rest[:min(step, len(rest))])
				if err != nil {
					return
				}
				rest = rest[n:]
			}
		}
	})
}

func TestBodiesAreCountedWithoutReading(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), pageSize/10)
	for _, step := range []int{pageSize * 2, 40_000, 7001} {
		server := pages(t, body, step)
		talk, err := File(server, "/f", body)
		if err != nil {
			t.Fatal(err)
		}
		if talk.Unread != pageSize || !bytes.HasSuffix(talk.Reply, []byte("\r\n\r\n")) {
			t.Errorf("%d bytes behind %q", talk.Unread, talk.Reply)
		}
		r, err := measured(Window{Server: server, Talk: talk, Speakers: 3, InFlight: 1}.in)
		if err != nil || r.Messages == 0 || r.Messages != r.Latency.Count() {
			t.Fatalf("in steps of %d: %v", step, err)
		}
	}
}

func TestWrongFilesAreFound(t *testing.T) {
	body := bytes.Repeat([]byte("x"), pageSize)
	server := pages(t, body, pageSize)
	other := bytes.Clone(body)
	other[pageSize-1] = 'y'
	for _, want := range [][]byte{other, append(body, make([]byte, 1000)...)} {
		if _, err := File(server, "/f", want); err == nil || !strings.Contains(err.Error(), "/f") {
			t.Errorf("error %v", err)
		}
	}
	talk, err := File(server, "/f", body)
	if err != nil {
		t.Fatal(err)
	}
	talk.Unread -= 2
	_, err = Window{Server: server, Talk: talk, Speakers: 1, InFlight: 1, Span: untilWrong}.Run()
	if err == nil || !strings.Contains(err.Error(), "head") {
		t.Errorf("a longer body: %v", err)
	}
}
