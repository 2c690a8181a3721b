package main

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Frames of RFC 6455, section 5.2.
const (
	final      = 0x80
	compressed = 0x40
	masked     = 0x80

	continuation = 0x0
	textMessage  = 0x1
	closeFrame   = 0x8
	ping         = 0x9
	pong         = 0xA
)

// upgrade asks for a websocket.
const upgrade = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n" +
	"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

const deflateOffer = "Sec-WebSocket-Extensions: permessage-deflate; " +
	"client_no_context_takeover; server_no_context_takeover\r\n"

// deflateTail is what a compressed message leaves away (RFC 7692, section
// 7.2.1), and an empty last block, which ends the reader.
const deflateTail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

// socket is protocol websocket.
type socket struct {
	c       *client
	l       *link
	in      *bufio.Reader
	deflate bool
}

func (c *client) openSocket(l *link) (stream, error)   { return c.shake(l, false) }
func (c *client) openDeflated(l *link) (stream, error) { return c.shake(l, true) }

func (c *client) openSecure(l *link) (stream, error) {
	if err := l.encrypt(); err != nil {
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return c.shake(l, false)
}

// shake makes the handshake.
func (c *client) shake(l *link, deflate bool) (stream, error) {
	s := &socket{c, l, bufio.NewReader(l), deflate}
	request := upgrade
	if deflate {
		request += deflateOffer
	}
	if _, err := io.WriteString(l, request+"\r\n"); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return nil, fmt.Errorf("websocket handshake: %w", err)
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return nil, &wrong{"101", answer.Status}
	}
	agreed := answer.Header.Get("Sec-WebSocket-Extensions")
	if deflate != strings.HasPrefix(agreed, "permessage-deflate") {
		return nil, &wrong{fmt.Sprintf("deflate %v", deflate), agreed}
	}
	return s, nil
}

// frame is one frame as clients send it.
func frame(first byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, masked|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, masked|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, masked|127), uint64(n))
	}
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b = append(b, mask[:]...)
	for i, p := range payload {
		b = append(b, p^mask[i%4])
	}
	return b
}

// say sends a text message, sometimes behind a ping, sometimes in fragments.
func (s *socket) say(message string) error {
	first, payload := byte(textMessage), []byte(message)
	if s.deflate {
		first |= compressed
		payload = deflated(payload)
	}
	var out []byte
	if s.c.chance(8) {
		out = frame(final|ping, []byte("still there"))
	}
	if len(payload) > 3 && s.c.chance(6) {
		third := len(payload) / 3
		out = append(out, frame(first, payload[:third])...)
		out = append(out, frame(final|ping, nil)...)
		out = append(out, frame(continuation, payload[third:2*third])...)
		out = append(out, frame(final|continuation, payload[2*third:])...)
	} else {
		out = append(out, frame(final|first, payload)...)
	}
	_, err := s.l.Write(out)
	return err
}

// hear returns the next message and passes over pongs.
func (s *socket) hear() (string, error) {
	for {
		first, payload, err := s.next()
		switch {
		case err != nil:
			return "", err
		case first == final|pong:
		case first == final|textMessage:
			return string(payload), nil
		case first == final|compressed|textMessage && s.deflate:
			return inflated(payload)
		case first == final|closeFrame:
			return "", fmt.Errorf("close frame %q: %w", payload, io.EOF)
		default:
			return "", &wrong{"a text frame", fmt.Sprintf("frame %#x", first)}
		}
	}
}

// next reads one frame.
func (s *socket) next() (first byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return 0, nil, err
	}
	n := uint64(head[1])
	switch n {
	case 126:
		var length uint16
		err = binary.Read(s.in, binary.BigEndian, &length)
		n = uint64(length)
	case 127:
		err = binary.Read(s.in, binary.BigEndian, &n)
	}
	if err != nil || n > 1<<20 {
		return 0, nil, fmt.Errorf("frame of %d bytes: %w", n, err)
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(s.in, payload)
	return head[0], payload, err
}

// Close codes of a process that leaves: 1001, and 1012 where it is replaced.
const (
	goingAway      = "\x03\xe9"
	serviceRestart = "\x03\xf4"
)

// bid closes with a close frame, which must come back.
func (s *socket) bid() error {
	code := []byte{1000 >> 8, 1000 & 0xff}
	if _, err := s.l.Write(frame(final|closeFrame, code)); err != nil {
		return err
	}
	first, payload, err := s.next()
	for err == nil && first == final|pong {
		first, payload, err = s.next()
	}
	if err != nil {
		return err
	}
	if p := string(payload); p == goingAway || p == serviceRestart { // it was faster
		return fmt.Errorf("close frame of a process that leaves: %w", io.EOF)
	}
	if err := s.c.must(string(code), string(payload)); err != nil {
		return err
	}
	return s.l.waitForEnd()
}

func deflated(message []byte) []byte {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestSpeed)
	_, _ = w.Write(message)
	_ = w.Flush()
	return bytes.TrimSuffix(out.Bytes(), []byte(deflateTail[:4]))
}

func inflated(payload []byte) (string, error) {
	r := flate.NewReader(io.MultiReader(bytes.NewReader(payload), strings.NewReader(deflateTail)))
	message, err := io.ReadAll(r)
	return string(message), err
}
