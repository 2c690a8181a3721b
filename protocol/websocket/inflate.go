package websocket

import (
	"bytes"
	"compress/flate"
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

// unpacker is a flate reader with what it reads from and where to. The reader is
// the standard library's: that of klauspost/compress is faster, but decodes a
// block with an empty Huffman tree by the tree before it, which may be another
// connection's.
type unpacker struct {
	flate io.Reader
	in    bytes.Reader
	src   []byte
	out   []byte
}

// inflate returns the message that p is the compressed form of, in memory of its
// own. It stops at limit bytes, whatever p promises.
func (x *extension) inflate(p []byte, limit int) ([]byte, *protocol.Reject) {
	u, _ := x.readers.Get().(*unpacker)
	if u == nil {
		u = &unpacker{}
		u.flate = flate.NewReader(&u.in)
	}
	defer x.putBack(u)
	limit = min(limit, math.MaxInt-1) // one byte more shows that it is passed
	u.src = append(append(u.src[:0], p...), messageEnd...)
	u.in.Reset(u.src)
	// Both resets of a reader in memory have no errors.
	_ = u.flate.(flate.Resetter).Reset(&u.in, x.received.history())
	if reject := u.read(limit); reject != nil {
		return nil, reject
	}
	// A sender may end with a last block of its own and a zero byte behind it,
	// RFC 7692 section 7.2.3.4, but nothing may come after that.
	if u.in.Len() > len(messageEnd)+1 {
		return nil, invalidData
	}
	x.received.slide(u.out)
	if cap(u.out) > maxKept {
		return u.out, nil
	}
	return bytes.Clone(u.out), nil
}

// read fills out up to limit. It never makes room for more than twice what has
// come.
func (u *unpacker) read(limit int) *protocol.Reject {
	u.out = u.out[:0]
	for {
		if len(u.out) == cap(u.out) {
			grown := make([]byte, len(u.out), min(max(2*cap(u.out), firstRoom), limit+1))
			copy(grown, u.out)
			u.out = grown
		}
		n, err := u.flate.Read(u.out[len(u.out):min(cap(u.out), limit+1)])
		u.out = u.out[:len(u.out)+n]
		switch {
		case len(u.out) > limit:
			return messageTooBig
		case err == io.EOF:
			return nil
		case err != nil:
			return invalidData
		}
	}
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
