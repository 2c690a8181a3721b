package load

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// Talk is what a client says and what it must hear.
type Talk struct {
	// TLS encrypts; nil: in the clear.
	TLS *tls.Config
	// Greeting is sent once, after connecting, and answered by an HTTP head
	// with status 101; empty: none.
	Greeting []byte
	// Request is one message as it goes over the wire, and Reply its answer.
	Request, Reply []byte
	// Own are requests of as many bytes that the speakers of a Window say in
	// the place of Request, one for each; nil: all say the same.
	Own [][]byte
	// Same is how many bytes at the start of a reply are always those of
	// Reply; only the length of the rest is looked at.
	Same int
	// Unread is how many bytes follow each Reply that are counted, but neither
	// copied nor compared. With it a client has one request in flight, in the
	// clear. 0: all of an answer is in Reply.
	Unread int
}

// echoed is a Talk whose answer is known to the last byte.
func echoed(request, reply []byte) Talk {
	return Talk{Request: request, Reply: reply, Same: len(reply)}
}

// TCP sends size raw bytes and hears them again.
func TCP(size int) Talk {
	p := payload(size)
	return echoed(p, p)
}

// Text sends lines of size bytes and their end.
func Text(size int) Talk {
	line := append(payload(size), '\n')
	return echoed(line, line)
}

// Frame sends size bytes behind a length of four.
func Frame(size int) Talk {
	frame := binary.BigEndian.AppendUint32(nil, uint32(4+size))
	frame = append(frame, payload(size)...)
	return echoed(frame, frame)
}

// WebSocket sends masked text frames of size bytes, below 64 KiB, and hears
// unmasked ones.
func WebSocket(size int) Talk {
	t := echoed(webSocketFrame(payload(size), true), webSocketFrame(payload(size), false))
	t.Greeting = []byte("GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n" +
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	return t
}

// HTTP sends small requests on connections that stay open.
func HTTP(server netip.AddrPort) (Talk, error) { return Get(server, "/") }

// Get is HTTP for any path. It asks the server once to learn how long an answer
// is; the date in it changes.
func Get(server netip.AddrPort, path string) (Talk, error) {
	t := Talk{Request: []byte("GET " + path + " HTTP/1.1\r\nHost: bench\r\n\r\n")}
	t.Same = len("HTTP/1.1 200 OK\r\n")
	l, err := dial(server, Talk{})
	if err != nil {
		return t, err
	}
	defer l.close()
	if t.Reply, err = ask(&l, t.Request, wholeHTTP); err != nil {
		return t, err
	}
	if !bytes.HasPrefix(t.Reply, []byte("HTTP/1.1 200 OK\r\n")) {
		err = fmt.Errorf("answer of %v is %q", server, t.Reply)
	}
	return t, err
}

// wholeHTTP says that an answer has as many bytes as its header tells.
func wholeHTTP(got []byte) bool {
	head, body, found := strings.Cut(string(got), "\r\n\r\n")
	for _, line := range strings.Split(head, "\r\n") {
		name, value, _ := strings.Cut(line, ": ")
		if http.CanonicalHeaderKey(name) == "Content-Length" {
			length, err := strconv.Atoi(value)
			return found && err == nil && len(body) >= length
		}
	}
	return false
}

// Ask makes one connection for one websocket message and returns the message
// that answers it, which is shorter than 126 bytes.
func Ask(server netip.AddrPort, message string) (string, error) {
	l, err := dial(server, WebSocket(0))
	if err != nil {
		return "", err
	}
	defer l.close()
	got, err := ask(&l, webSocketFrame([]byte(message), true), func(got []byte) bool {
		return len(got) >= 2 && len(got) >= 2+int(got[1])
	})
	if err != nil {
		return "", err
	}
	return string(got[2:]), nil
}

// payload is size bytes that are also a JSON string.
func payload(size int) []byte {
	p := bytes.Repeat([]byte("x"), size)
	if size >= 2 {
		p[0], p[size-1] = '"', '"'
	}
	return p
}

// webSocketFrame is one whole text message (RFC 6455 section 5.2).
func webSocketFrame(p []byte, masked bool) []byte {
	var flag byte
	if masked {
		flag = 0x80
	}
	frame := []byte{0x81}
	if len(p) < 126 {
		frame = append(frame, flag|byte(len(p)))
	} else {
		frame = binary.BigEndian.AppendUint16(append(frame, flag|126), uint16(len(p)))
	}
	if !masked {
		return append(frame, p...)
	}
	mask := [4]byte{0x12, 0x34, 0x56, 0x78}
	frame = append(frame, mask[:]...)
	for i, b := range p {
		frame = append(frame, b^mask[i%4])
	}
	return frame
}
