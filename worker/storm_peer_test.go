package worker_test

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// peerOf is one client of a storm, on a goroutine of its own.
type peerOf struct {
	s    *storm
	k    *kind
	rnd  *rand.Rand
	conn net.Conn

	name   string
	stream int
}

// cut ends or holds what is written behind a number of bytes.
type cut struct {
	net.Conn
	left int
	what func() error
}

var errCut = errors.New("cut")

func (c *cut) Write(p []byte) (int, error) {
	if c.left >= len(p) {
		c.left -= len(p)
		return c.Conn.Write(p)
	}
	n, _ := c.Conn.Write(p[:c.left])
	c.left = 0
	if err := c.what(); err != nil {
		return n, err
	}
	return n, errCut
}

// CloseWrite ends this side's half.
func (c *cut) CloseWrite() error { return c.Conn.(interface{ CloseWrite() error }).CloseWrite() }

// live is one connection from its beginning to its end.
func (p *peerOf) live() {
	defer p.s.peers.Done()
	rest := sync.OnceFunc(p.s.resting.Done)
	defer rest()
	network := "tcp"
	if p.k.transport == "unix" {
		network = "unix"
	}
	socket, err := net.Dial(network, p.k.addr)
	if err != nil {
		return
	}
	defer socket.Close()
	socket.SetDeadline(time.Now().Add(2 * deadline))
	if tcp, ok := socket.(*net.TCPConn); ok && p.rnd.IntN(2) == 0 {
		tcp.SetReadBuffer(4096)
	}
	p.stream = p.s.streams.open(p.name)
	limited := &cut{Conn: socket, left: 1 << 30}
	if p.rnd.IntN(5) == 0 {
		limited.left = p.rnd.IntN(600)
	}
	p.ending(limited, socket, rest)
	p.conn = limited
	if !p.begin() {
		rest()
		return
	}
	read := make(chan struct{})
	stalls := p.rnd.IntN(4) == 0
	go func() { // ends with the connection
		defer close(read)
		p.read(stalls)
	}()
	for range p.rnd.IntN(12) {
		if !p.step() {
			break
		}
	}
	rest()
	p.leave(socket)
	socket.Close()
	<-read
}

// ending chooses what happens at the cut.
func (p *peerOf) ending(c *cut, socket net.Conn, rest func()) {
	how := p.rnd.IntN(4)
	c.what = func() error {
		switch tcp, _ := socket.(*net.TCPConn); {
		case how == 0 && tcp != nil:
			tcp.SetLinger(0)
			tcp.Close()
		case how == 1 && tcp != nil:
			tcp.CloseWrite()
		case how == 2:
			rest()
			<-p.s.release
		default:
			socket.Close()
		}
		return nil
	}
}

// begin is all that comes before the first message.
func (p *peerOf) begin() bool {
	if p.k.proxied && p.rnd.IntN(6) > 0 {
		io.WriteString(p.conn, "PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n")
	}
	if p.k.transport == "ssl" && p.rnd.IntN(12) > 0 {
		secured := tls.Client(p.conn, clientTLS())
		if secured.Handshake() != nil {
			return false
		}
		p.conn = secured
	}
	if p.k.scheme == "websocket" && p.rnd.IntN(12) > 0 {
		_, err := io.WriteString(p.conn, upgradeRequest)
		return err == nil
	}
	return true
}

// read takes in all that comes; who stalls only begins when the storm is over.
func (p *peerOf) read(stalls bool) {
	if stalls {
		<-p.s.release
	}
	var all []byte
	data := make([]byte, 32<<10)
	for {
		n, err := p.conn.Read(data)
		if len(all) < maxKept {
			all = append(all, data[:n]...)
		}
		if err != nil {
			break
		}
	}
	if !p.s.pipes {
		p.s.streams.check(p.name, all, true)
	}
}

// step sends something; false when nothing more can be sent.
func (p *peerOf) step() bool {
	var err error
	switch p.rnd.IntN(20) {
	case 0:
		p.s.streams.loosen(p.stream)
		garbage := make([]byte, p.rnd.IntN(3000))
		for i := range garbage {
			if garbage[i] = byte(p.rnd.Uint32()); garbage[i] == '<' {
				garbage[i] = 0
			}
		}
		_, err = p.conn.Write(garbage)
	case 1:
		half, ok := p.conn.(interface{ CloseWrite() error })
		if ok {
			err = half.CloseWrite()
		}
		return false
	case 2:
		if p.k.scheme == "websocket" {
			_, err = p.conn.Write([]byte{0x89, 0x82, 0, 0, 0, 0, 'h', 'i'})
		}
	case 3:
		if p.k.scheme == "websocket" {
			_, err = p.conn.Write([]byte{0x88, 0x82, 0, 0, 0, 0, 3, 0xe8})
			return false
		}
	case 4, 5, 6:
		time.Sleep(time.Duration(p.rnd.IntN(3)) * time.Millisecond) // to come in another turn
	default:
		n := 1 + p.rnd.IntN(200)
		if p.rnd.IntN(5) == 0 {
			n = p.rnd.IntN(100000)
		}
		message, _ := p.s.streams.next(p.stream, n, accepted)
		_, err = p.conn.Write(p.wrap(message))
	}
	return err == nil
}

// wrap makes a message of the protocol.
func (p *peerOf) wrap(m []byte) []byte {
	switch p.k.scheme {
	case "text":
		return append(m, '\n')
	case "frame":
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(m)+4)), m...)
	case "http":
		return []byte("GET / HTTP/1.1\r\nHost: storm\r\n\r\n")
	case "websocket":
		head := binary.BigEndian.AppendUint64([]byte{0x81, 0xff}, uint64(len(m)))
		return append(append(head, 0, 0, 0, 0), m...)
	}
	return m
}

// leave is the end of a client.
func (p *peerOf) leave(socket net.Conn) {
	tcp, _ := socket.(*net.TCPConn)
	switch p.rnd.IntN(4) {
	case 0:
		if tcp != nil {
			tcp.SetLinger(0)
		}
	case 1:
		p.conn.Close()
	default:
		<-p.s.release
	}
}

// torment is what a server does to those who dial.
func (p *peerOf) torment(conn net.Conn) {
	tcp := conn.(*net.TCPConn)
	answers := []string{
		"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50", "HTTP/1.1 200 OK\r\n\r\nmore",
		"HTTP/1.1 403 Forbidden\r\n\r\n", "\x16\x03\x03\x00\x02hi", "hello\n",
	}
	for range p.rnd.IntN(4) {
		switch p.rnd.IntN(4) {
		case 0:
			conn.Read(make([]byte, 1+p.rnd.IntN(300)))
		case 1:
			answer := answers[p.rnd.IntN(len(answers))]
			io.WriteString(conn, answer[:p.rnd.IntN(len(answer)+1)])
		case 2:
			time.Sleep(time.Millisecond)
		case 3:
			tcp.CloseWrite()
		}
	}
	switch p.rnd.IntN(3) {
	case 0:
		tcp.SetLinger(0)
	case 1:
		<-p.s.release
	}
}
