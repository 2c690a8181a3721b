package worker

import (
	"io"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/protocol"
)

const (
	// maxBody is how much of a file one connection sends in a turn.
	maxBody = 1 << 20
	// bodyPiece is how much of it is read at once where the kernel cannot send
	// it by itself.
	bodyPiece = 64 << 10
)

// body is sent behind out, a part at a time.
type body struct {
	protocol.Body
	fd    int     // for sendfile(2); -1: it is read
	after *buffer // what was sent behind it
}

// SendBody is protocol.BodySender. Called on the loop goroutine.
func (c *Connection) SendBody(b protocol.Body) error {
	c.p.own("Connection.SendBody")
	if c.flags&streaming != 0 {
		return protocol.ErrBody
	}
	fd := -1
	if d, ok := b.File.(interface{ Descriptor() int }); ok {
		fd = d.Descriptor()
	}
	c.more().body = &body{Body: b, fd: fd}
	c.flags |= streaming
	return nil
}

// writeBody is write for a connection with a body: out, the body, what is behind.
func (c *Connection) writeBody() bool {
	for budget := int64(maxBody); ; {
		if !c.writeOut() {
			return false
		}
		if c.front() > 0 || c.flags&streaming == 0 || budget <= 0 {
			return true
		}
		n, ok := c.moveBody(budget)
		if n == 0 {
			return ok
		}
		budget -= n
	}
}

// moveBody sends or reads up to budget bytes; 0 and true when the kernel has no
// room, 0 and false after an error.
func (c *Connection) moveBody(budget int64) (n int64, ok bool) {
	b := c.extra.body
	if b.Length > 0 {
		if b.fd >= 0 && c.flags&layered == 0 {
			n, ok = c.sendFile(b, min(b.Length, budget))
		} else {
			n, ok = c.readBody(b)
		}
		if n == 0 {
			return 0, ok
		}
		b.Offset += n
		b.Length -= n
	}
	if b.Length == 0 {
		c.passBody()
	}
	return n, true
}

// sendFile has the kernel copy from the file to the socket.
func (c *Connection) sendFile(b *body, limit int64) (int64, bool) {
	for {
		n, errno := sysSendfile(c.fd, b.fd, b.Offset, limit)
		switch errno {
		case 0:
			if n == 0 {
				return 0, c.bodyFailed("it has become shorter")
			}
			c.BytesWritten += uint64(n)
			return n, true
		case unix.EAGAIN:
			return 0, true
		case unix.EINTR:
		case unix.EINVAL, unix.ENOSYS: // not from this file system
			b.fd = -1
			return c.readBody(b)
		default:
			c.errno = uint16(errno)
			c.queue()
			return 0, false
		}
	}
}

// readBody moves a piece of the file to out, which is empty.
func (c *Connection) readBody(b *body) (int64, bool) {
	c.out = c.p.output.pool.get(bodyPiece)
	room := c.out.data[:min(bodyPiece, b.Length)]
	n, err := b.File.ReadAt(room, b.Offset)
	if n == 0 {
		c.releaseOut()
		if err == nil || err == io.EOF {
			return 0, c.bodyFailed("it has become shorter")
		}
		return 0, c.bodyFailed(err.Error())
	}
	c.out.data = room[:n]
	return int64(n), true
}

// bodyFailed ends the connection: the peer was promised more. It reports false.
func (c *Connection) bodyFailed(why string) bool {
	c.p.logf("connection %d: a file that is being sent: %s", c.ID, why)
	c.errno = uint16(unix.EIO)
	c.queue()
	return false
}

// passBody goes on behind a body that was sent.
func (c *Connection) passBody() {
	after := c.extra.body.after
	c.extra.body.after = nil
	c.endBody()
	pool := &c.p.output.pool
	switch {
	case after == nil:
	case c.out == nil:
		c.out = after
	default:
		pool.grow(c.out, after.size())
		c.out.data = append(c.out.data, after.bytes()...)
		pool.put(after)
	}
	if c.codec.fail != nil && Status(c.status) == Established {
		c.attend() // held has kept the next message
	}
}

// endBody lets go of a body, sent or not.
func (c *Connection) endBody() {
	if c.flags&streaming == 0 {
		return
	}
	c.flags &^= streaming
	b := c.extra.body
	c.extra.body = nil
	c.p.output.pool.put(b.after)
	if err := b.File.Close(); err != nil {
		c.p.logf("connection %d: close a file that was sent: %v", c.ID, err)
	}
}

var _ protocol.BodySender = (*Connection)(nil)
