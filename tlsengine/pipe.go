package tlsengine

import (
	"net"
	"time"
)

// pipe is the net.Conn that crypto/tls works on. Until Progress has seen the
// end of the handshake it belongs to the handshake's goroutine, then to the
// loop.
type pipe struct {
	engine    *Engine
	handshake *handshake // nil: over
}

func (p *pipe) Read(b []byte) (int, error) {
	if p.handshake != nil {
		return p.handshake.read(b)
	}
	return p.engine.takeRecord(b)
}

func (p *pipe) Write(b []byte) (int, error) {
	if p.handshake != nil {
		return p.handshake.write(b)
	}
	p.engine.put(b)
	return len(b), nil
}

// LocalAddr is for the callbacks of the tls.Config; never nil.
func (p *pipe) LocalAddr() net.Addr { return p.addr(0) }

// RemoteAddr is also the name of a session in a client without a server name;
// an empty text there switches resumption off.
func (p *pipe) RemoteAddr() net.Addr { return p.addr(1) }

func (p *pipe) addr(side int) net.Addr {
	if h := p.handshake; h != nil && h.addrs[side] != nil {
		return h.addrs[side]
	}
	return nowhere{}
}

// Close and the deadlines have nothing to do: no call blocks after the
// handshake, and the handshake ends with its context.
func (p *pipe) Close() error                     { return nil }
func (p *pipe) SetDeadline(time.Time) error      { return nil }
func (p *pipe) SetReadDeadline(time.Time) error  { return nil }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

// nowhere is the address of a side that nobody named.
type nowhere struct{}

func (nowhere) Network() string { return "memory" }
func (nowhere) String() string  { return "" }
