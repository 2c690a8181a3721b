package main

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
)

// tooLong is beyond the MaxPackageSize of the service.
const tooLong = 256<<10 + 64

// provoke sends what makes the service hang up.
func (c *client) provoke(worker, bytes string) error {
	l, err := c.dial(worker)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.send(bytes); err != nil {
		return err
	}
	return l.waitForEnd()
}

// breakOff sends a part of bytes and goes.
func (c *client) breakOff(worker, bytes string) error {
	l, err := c.dial(worker)
	if err != nil {
		return err
	}
	defer c.leave(l)
	return l.send(bytes[:c.random.IntN(len(bytes))])
}

// comeAndGo connects and goes, with nothing or half a message.
func comeAndGo(c *client) error {
	half := map[string]string{
		"text":      "half a line ",
		"frame":     "\x00\x00\x10\x00half a frame",
		"relay":     "half a line ",
		"websocket": upgrade,
		"deflate":   upgrade + deflateOffer,
		"wss":       "\x16\x03\x01\x02\x00\x01\x00\x01",
		"http":      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf",
	}
	worker := overTCP[c.random.IntN(len(overTCP))]
	return c.breakOff(worker, half[worker])
}

// abandon begins a handshake and says no more: the service must hang up.
func abandon(c *client) error {
	worker, part := "websocket", upgrade
	if c.chance(2) {
		worker, part = "wss", "\x16\x03\x01\x02\x00\x01\x00\x01"
	}
	return c.provoke(worker, part[:c.random.IntN(len(part))])
}

// wrongHandshake is refused.
func wrongHandshake(c *client) error {
	switch c.random.IntN(3) {
	case 0:
		return c.provoke("websocket", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	case 1:
		return c.provoke("wss", upgrade+"\r\n") // without TLS
	}
	return c.provoke("websocket", strings.Replace(upgrade, "13", "7", 1)+"\r\n")
}

// longPacket is one beyond MaxPackageSize, or of an impossible length.
func longPacket(c *client) error {
	switch c.random.IntN(3) {
	case 0:
		return c.provoke("text", strings.Repeat("x", tooLong))
	case 1:
		return c.provoke("frame", string(binary.BigEndian.AppendUint32(nil, tooLong)))
	}
	return c.provoke("frame", string([]byte{0, 0, 0, byte(c.random.IntN(4))}))
}

// badFrames are those after which a websocket is closed.
var badFrames = []string{
	"\x81\x02hi",                           // not masked
	string(frame(final|0x3, nil)),          // reserved opcode
	string(frame(final|0x20|1, nil)),       // reserved bit
	string(frame(final|1, []byte("\xff"))), // not UTF-8
	string(frame(ping, nil)),               // control frame in fragments
	string(frame(final|ping, make([]byte, 126))),
	string(frame(final|continuation, []byte("of what"))),
	string(frame(final|closeFrame, []byte{0x03})), // half a code
	"\x81\xff\x00\x00\x00\x00\x00\x10\x00\x00",    // a megabyte to come
}

// badFrame breaks RFC 6455 on a connection that was good.
func badFrame(c *client) error {
	socketWires := wires[4:]
	v, err := c.begin(socketWires[c.random.IntN(len(socketWires))])
	if err != nil {
		return err
	}
	defer v.l.raw.Close()
	if err := v.exchange(1); err != nil {
		return err
	}
	if err := v.l.send(badFrames[c.random.IntN(len(badFrames))]); err != nil {
		return err
	}
	return v.l.waitForEnd()
}

// cutTLS breaks off a TLS handshake after some bytes of ours, which may be
// when it is done, or in the middle of the websocket handshake.
func cutTLS(c *client) error {
	l, err := c.dial("wss")
	if err != nil {
		return err
	}
	defer c.leave(l)
	budget := &budget{Conn: l.raw, left: 1 + c.random.IntN(2000)}
	secure := tls.Client(budget, &tls.Config{ServerName: "localhost", InsecureSkipVerify: true})
	if _, err := secure.Write([]byte(upgrade)); err != nil && budget.left > 0 {
		return fmt.Errorf("TLS handshake: %w", err)
	}
	return nil
}

// budget is a connection that fails when so many bytes are written.
type budget struct {
	net.Conn
	left int
}

func (b *budget) Write(p []byte) (int, error) {
	n, err := b.Conn.Write(p[:min(len(p), b.left)])
	if b.left -= n; err == nil && n < len(p) {
		err = net.ErrClosed
	}
	return n, err
}

// proxyHeaders name 192.0.2.7, in both versions.
var proxyHeaders = []string{
	"PROXY TCP4 192.0.2.7 192.0.2.1 4000 80\r\n",
	"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc0\x00\x02\x01\x0f\xa0\x00\x50",
}

// proxied is a client behind a proxy that is trusted.
func proxied(c *client) error {
	header := proxyHeaders[c.random.IntN(len(proxyHeaders))]
	l, err := c.dialFrom("text", "127.0.0.2")
	if err != nil {
		return err
	}
	defer l.Close()
	if c.chance(3) {
		defer c.leave(l)
		return l.send(header[:c.random.IntN(len(header))])
	}
	s, _ := c.openLines(l)
	v := &conversation{c, wires[0], l, s}
	if err := l.send(header); err != nil {
		return err
	}
	if err := s.say("!who"); err != nil {
		return err
	}
	if err := v.expect("192.0.2.7"); err != nil {
		return err
	}
	if err := v.exchange(2); err != nil {
		return err
	}
	return v.end()
}

// pretend sends a PROXY header from where none is believed.
func pretend(c *client) error {
	header := proxyHeaders[c.random.IntN(len(proxyHeaders))]
	return c.provoke("text", header+"!who\n")
}
