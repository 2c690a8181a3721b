package worker

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/protocol"
)

// maxDatagrams is how many are read at one event.
const maxDatagrams = 64

// maxDatagram is the longest message that one datagram holds (features.md 20.3).
const maxDatagram = 65507

// receive reads what waits at the socket of a udp Worker. Each datagram has a
// Connection of its own that stands for its sender: no OnConnect, no OnClose
// (features.md 18.2, 18.3).
func (l *listener) receive() {
	scratch := l.w.p.loop.Scratch()
	for range maxDatagrams {
		if !l.watched {
			return
		}
		n, errno := sysReceive(l.fd, scratch, &l.peer)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return // EAGAIN, or what an earlier reply has met
		}
		l.serve(scratch[:n])
	}
}

func (l *listener) serve(data []byte) {
	p, w := l.w.p, l.w
	c := p.newConnection(w.codec, overUDP)
	c.Worker, c.Callbacks = w, w.Callbacks
	c.status, c.flags = uint8(Established), datagram
	c.ip, c.port = l.peer.address()
	if l.six && l.peer.addr.Scope_id != 0 {
		c.more().zone = l.peer.addr.Scope_id
	}
	c.deliverDatagram(data)
}

// packets is how the loop sees a dialled udp connection.
type packets Connection

// OnEvents is called by the loop when datagrams wait. Errors are what the
// network says of earlier ones; a socket without a connection has no end.
func (s *packets) OnEvents(ev eventloop.Events) {
	c := (*Connection)(s)
	scratch := c.p.loop.Scratch()
	for range maxDatagrams {
		if Status(c.status) != Established || c.flags&paused != 0 {
			if ev&eventloop.Failed != 0 && c.fd >= 0 {
				// Asking takes the error away, which the loop would report
				// in every turn of the pause.
				_, _ = unix.GetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_ERROR)
			}
			c.ignore(0)
			return
		}
		n, errno := sysRead(c.fd, scratch)
		switch errno {
		case 0:
			c.p.heard(c)
			c.deliverDatagram(scratch[:n])
		case unix.EINTR, unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH:
		default:
			return
		}
	}
}

// deliverDatagram delivers the messages of one datagram; an incomplete one at
// its end is dropped (trap T50). It counts as one request.
func (c *Connection) deliverDatagram(data []byte) {
	c.BytesRead += uint64(len(data))
	total := c.p.counters.total + 1
	if len(data) == 0 && c.codec.proto == nil {
		c.deliverEmpty()
	}
	for len(data) > 0 && Status(c.status) == Established {
		n, _, err := c.step(data)
		if err == protocol.Again { // datagrams are small
			c.need = uint32(n)
			continue
		}
		if err != nil {
			c.explain(err)
			break
		}
		if n == 0 {
			break
		}
		data = data[n:]
	}
	c.need = 0
	c.p.counters.total = total
}

// sendPacket sends out as one datagram. Before a dialled socket stands it is
// kept, as far as MaxSendBufferSize allows.
func (c *Connection) sendPacket() error {
	data := c.out.bytes()
	var err error
	if len(data) > maxDatagram {
		err = unix.EMSGSIZE
		c.p.counters.sendFail++
	} else if c.flags&opening != 0 {
		c.holdPacket(data)
	} else if err = c.transmit(data); err == nil {
		c.BytesWritten += uint64(len(data))
	} else if err != ErrClosed { // which is silent (trap T35)
		c.p.counters.sendFail++
	}
	c.p.output.pool.put(c.out)
	c.out = nil
	return err
}

func (c *Connection) transmit(data []byte) error {
	if c.Worker == nil {
		err := unix.Send(int(c.fd), data, unix.MSG_NOSIGNAL)
		if err == unix.ECONNREFUSED { // this is about an earlier one, data was not sent
			err = unix.Send(int(c.fd), data, unix.MSG_NOSIGNAL)
		}
		return err
	}
	l := c.Worker.listener
	if l == nil {
		l = c.Worker.former
	}
	if l == nil {
		return ErrClosed
	}
	if !l.six {
		to := unix.SockaddrInet4{Port: int(c.port), Addr: c.remote().As4()}
		return unix.Sendto(l.fd, data, unix.MSG_NOSIGNAL, &to)
	}
	to := unix.SockaddrInet6{Port: int(c.port), Addr: c.ip}
	if c.extra != nil {
		to.ZoneId = c.extra.zone
	}
	return unix.Sendto(l.fd, data, unix.MSG_NOSIGNAL, &to)
}

// holdPacket keeps a datagram until the socket stands.
func (c *Connection) holdPacket(data []byte) {
	d := c.extra.dial
	d.packets = append(d.packets, append([]byte(nil), data...))
	d.held += len(data)
	c.hasHeld()
}

// sendHeld sends what holdPacket kept. What the system refuses is lost, as
// later ones are on their way.
func (c *Connection) sendHeld() {
	d := c.extra.dial
	if len(d.packets) == 0 {
		return
	}
	for _, data := range d.packets {
		if c.transmit(data) == nil {
			c.BytesWritten += uint64(len(data))
		} else {
			c.p.counters.sendFail++
		}
	}
	d.packets, d.held = nil, 0
	c.flags &^= holding
	c.account()
	c.drained()
}

// sysReceive is one call of recvfrom.
func sysReceive(fd int, p []byte, from *peer) (int, unix.Errno) {
	from.len = uint32(unsafe.Sizeof(from.addr))
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0,
		uintptr(unsafe.Pointer(&from.addr)), uintptr(unsafe.Pointer(&from.len)))
	return int(n), errno
}
