package websocket

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math"

	"github.com/workerman-go/wm/protocol"
)

// messageEnd is put behind a compressed message: the end of the flush that the
// sender cut off, RFC 7692 section 7.2.2, and an empty last block, so that the
// reader comes to an end of its own.
const messageEnd = "\x00\x00\xff\xff" + "\x01\x00\x00\xff\xff"

// Buffers above maxKept are not kept for the next message; the first one is
// of firstRoom.
const (
	maxKept   = 64 << 10
	firstRoom = 4 << 10
)

// maxSlice is how much is inflated at once, in bytes: a small frame may mean as
// much as MaxPackage, and other connections are not to wait for all of it.
// Input counts too, as blocks that mean little take time as well: maxInput ends
// a slice, and maxIdle bytes without any output are refused. No compressor comes
// near it; one window is 32 KiB.
const (
	maxSlice = 256 << 10
	maxInput = 64 << 10
	maxIdle  = 128 << 10
)

// source is what a flate reader reads from.
type source struct {
	bytes.Reader
	left int // bytes until there has to be some output
}

// ReadByte is for all of the input but stored bytes, which are output.
func (s *source) ReadByte() (byte, error) {
	if s.left--; s.left < 0 {
		return 0, errIdle
	}
	return s.Reader.ReadByte()
}

var errIdle = errors.New("websocket: compressed data without content")

// unpacker is a flate reader with what it reads from and where to. The reader is
// the standard library's: that of klauspost/compress is faster, but decodes a
// block with an empty Huffman tree by the tree before it, which may be another
// connection's.
type unpacker struct {
	flate io.Reader
	in    source
	src   []byte
	out   []byte
	valid int // so many bytes of out are known to be whole characters of UTF-8
}

// unpack borrows an unpacker for the message that p is the compressed form of.
func (x *extension) unpack(p []byte) *unpacker {
	u, _ := x.readers.Get().(*unpacker)
	if u == nil {
		u = &unpacker{}
		u.flate = flate.NewReader(&u.in)
	}
	u.src = append(append(u.src[:0], p...), messageEnd...)
	u.in.Reset(u.src)
	u.out, u.valid = u.out[:0], 0
	// Both resets of a reader in memory have no errors.
	_ = u.flate.(flate.Resetter).Reset(&u.in, x.received.history())
	return u
}

// inflate goes on with the message of u, which is kept in s.fragments as long as
// there is more of it than one slice.
func (s *session) inflate(u *unpacker, c protocol.Conn) ([]byte, error) {
	done, reject := u.slice(c.MaxPackage(), s.kind == opText)
	if reject == nil && !done {
		if s.fragments == nil {
			s.fragments = &fragments{unpacker: u}
		}
		return nil, protocol.Again
	}
	s.fragments = nil
	defer s.extension.putBack(u)
	if reject != nil {
		return nil, s.refuse(reject)
	}
	s.extension.received.slide(u.out)
	if cap(u.out) > maxKept {
		return s.deliver(u.out, u.valid)
	}
	return s.deliver(bytes.Clone(u.out), u.valid)
}

// slice inflates maxSlice more bytes, but not more than limit in all, whatever
// the input promises. Text is checked as it comes.
func (u *unpacker) slice(limit int, text bool) (done bool, reject *protocol.Reject) {
	limit = min(limit, math.MaxInt-1) // one byte more shows that it is passed
	if done, reject = u.read(limit, len(u.out)+maxSlice); reject != nil {
		return false, reject
	}
	// A sender may end with a last block of its own and a zero byte behind it,
	// RFC 7692 section 7.2.3.4, but nothing may come after that.
	if done && u.in.Len() > len(messageEnd)+1 {
		return false, invalidData
	}
	if text && !done {
		n, ok := validPrefix(u.out[u.valid:])
		if !ok {
			return false, invalidText
		}
		u.valid += n
	}
	return done, nil
}

// read fills out up to stop, and not above limit. It never makes room for more
// than twice what has come.
func (u *unpacker) read(limit, stop int) (done bool, reject *protocol.Reject) {
	for had := u.in.Len(); len(u.out) < stop && had-u.in.Len() < maxInput; {
		if len(u.out) == cap(u.out) {
			grown := make([]byte, len(u.out), min(max(2*cap(u.out), firstRoom), limit+1))
			copy(grown, u.out)
			u.out = grown
		}
		u.in.left = maxIdle
		n, err := u.flate.Read(u.out[len(u.out):min(cap(u.out), limit+1, stop)])
		u.out = u.out[:len(u.out)+n]
		switch {
		case len(u.out) > limit:
			return false, messageTooBig
		case err == io.EOF:
			return true, nil
		case err != nil:
			return false, invalidData
		}
	}
	return false, nil
}

// putBack keeps what is of use for the next message. The reader does not hold
// on to the history: it has copied it.
func (x *extension) putBack(u *unpacker) {
	if cap(u.src) > maxKept {
		u.src = nil
	}
	if cap(u.out) > maxKept {
		u.out = nil
	}
	u.in.Reset(nil)
	x.readers.Put(u)
}

// OnClose gives back what a message that is not inflated to its end has borrowed.
func (*websocket) OnClose(c protocol.Conn) {
	s, open := c.State().(*session)
	if open && s.fragments.inflating() {
		s.extension.putBack(s.fragments.unpacker)
		s.fragments = nil
	}
}
