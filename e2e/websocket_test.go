package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// upgrade makes a websocket connection of c with the key and the accept value
// that RFC 6455 prints as its example.
func (c *client) upgrade() error {
	c.conn.SetDeadline(time.Now().Add(replyLimit))
	_, err := io.WriteString(c.conn, "GET / HTTP/1.1\r\nHost: e2e\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if err != nil {
		return err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	accept := resp.Header.Get("Sec-WebSocket-Accept")
	if resp.StatusCode != 101 || accept != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		return fmt.Errorf("handshake: %s, accept %q", resp.Status, accept)
	}
	return nil
}

// message sends one masked text frame and reads one unmasked text frame; both
// are shorter than 126 bytes.
func (c *client) message(text string) (string, error) {
	c.conn.SetDeadline(time.Now().Add(replyLimit))
	mask := [4]byte{1, 2, 3, 4}
	frame := append([]byte{0x81, 0x80 | byte(len(text))}, mask[:]...)
	for i := range len(text) {
		frame = append(frame, text[i]^mask[i%4])
	}
	if _, err := c.conn.Write(frame); err != nil {
		return "", err
	}
	opcode, body, err := c.frame()
	if err == nil && opcode != 1 {
		err = fmt.Errorf("opcode %d", opcode)
	}
	return string(body), err
}

// frame reads one frame of the server.
func (c *client) frame() (opcode byte, body []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return 0, nil, err
	}
	length := int(head[1] & 0x7f)
	switch {
	case head[1]&0x80 != 0:
		return 0, nil, errors.New("the server masks its frames")
	case length == 126:
		var wide [2]byte
		if _, err := io.ReadFull(c.in, wide[:]); err != nil {
			return 0, nil, err
		}
		length = int(binary.BigEndian.Uint16(wide[:]))
	case length == 127:
		return 0, nil, errors.New("frame too long for this client")
	}
	body = make([]byte, length)
	_, err = io.ReadFull(c.in, body)
	return head[0] & 0x0f, body, err
}

// newWebsocket connects and shakes hands.
func newWebsocket(t testing.TB, address string) *client {
	t.Helper()
	c := newClient(t, address)
	if err := c.upgrade(); err != nil {
		t.Fatal(err)
	}
	return c
}
