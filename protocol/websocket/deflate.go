package websocket

import (
	"sync"

	"github.com/klauspost/compress/flate"
)

// What zero values of Options stand for.
const (
	defaultLevel           = 1
	defaultMinSize         = 512
	defaultMinSizeTakeover = 128
)

// deflate compresses for all connections of one protocol. Writers and readers
// of flate are large, so they are borrowed for the time of one message, and a
// connection owns none. Safe for concurrent use.
type deflate struct {
	level, minSize int
	writers        [maxBits + 1]sync.Pool // of *packer, by the bits of the window
	readers        sync.Pool              // of *unpacker

	sharing [maxBits + 1]extension // of connections without context takeover
}

// extension is permessage-deflate as agreed on one connection. Connections
// without context takeover have the same one.
type extension struct {
	*deflate
	class int
	bits  int // of the window of what is sent
	// sent and received are nil without context takeover.
	sent, received *window
}

// way is what was agreed for one direction.
type way struct {
	takeover bool
	bits     int
}

func newDeflate(o Options) *deflate {
	d := &deflate{level: o.Level, minSize: o.MinSize}
	if d.level == 0 {
		d.level = defaultLevel
	}
	d.level = min(max(d.level, flate.BestSpeed), flate.BestCompression)
	switch {
	case d.minSize > 0:
	case o.ContextTakeover:
		d.minSize = defaultMinSizeTakeover
	default:
		d.minSize = defaultMinSize
	}
	for bits := minBits; bits <= maxBits; bits++ {
		d.sharing[bits] = extension{deflate: d, class: classCompressed + maxBits - bits, bits: bits}
	}
	return d
}

func (d *deflate) extension(out, in way) *extension {
	if !out.takeover && !in.takeover {
		return &d.sharing[out.bits]
	}
	x := d.sharing[out.bits]
	if out.takeover {
		x.class = classAlone
		x.sent = &window{size: 1 << out.bits}
	}
	if in.takeover {
		x.received = &window{size: 1 << in.bits}
	}
	return &x
}

// appendCompressed appends p in one compressed frame. A plain one does as well
// when that is not longer, but with context takeover the peer must see p go by:
// later messages may refer to it.
func (x *extension) appendCompressed(dst []byte, masks bool, op opcode, p []byte) []byte {
	var room [headerBytes + 8 + maskBytes]byte // for any header
	start := len(dst)
	dst = x.compress(append(dst, room[:]...), p)
	payload := dst[start+len(room):]
	if x.sent == nil && len(payload) >= len(p) {
		return appendFrame(dst[:start], masks, bitFin|byte(op), p)
	}
	x.sent.slide(p)
	// The header is written in front of the payload, which then moves up to it.
	return appendFrame(dst[:start], masks, bitFin|bitRSV1|byte(op), payload)
}

// packer is a flate writer and where it writes to.
type packer struct {
	*flate.Writer
	out []byte
}

func (k *packer) Write(p []byte) (int, error) {
	k.out = append(k.out, p...)
	return len(p), nil
}

// compress appends p as RFC 7692 section 7.2.1 says: flushed, and without the
// four bytes that every flush ends with.
func (x *extension) compress(dst, p []byte) []byte {
	pool := &x.writers[x.bits]
	k, _ := pool.Get().(*packer)
	if k == nil {
		k = x.newPacker()
	}
	k.out = dst
	k.ResetDict(k, x.sent.history())
	_, _ = k.Writer.Write(p) // into memory: no errors
	_ = k.Flush()
	dst = k.out[:len(k.out)-flushBytes]
	k.out = nil
	if x.sent != nil {
		k.ResetDict(k, nil) // lets go of the history
	}
	pool.Put(k)
	return dst
}

// flushBytes is the length of the empty block's end, 00 00 ff ff.
const flushBytes = 4

// newPacker has a writer whose window is at most what was agreed. Its error
// is for levels and windows that do not exist.
func (x *extension) newPacker() *packer {
	k := &packer{}
	if x.bits == maxBits {
		k.Writer, _ = flate.NewWriter(k, x.level)
	} else {
		k.Writer, _ = flate.NewWriterWindow(k, 1<<x.bits)
	}
	return k
}

// window is the end of what was compressed so far in one direction. It is all
// that context takeover keeps, because a writer with its tables would be more
// than twenty times as large.
type window struct {
	bytes []byte
	size  int
}

// history is nil without context takeover.
func (w *window) history() []byte {
	if w == nil {
		return nil
	}
	return w.bytes
}

// slide adds a message and forgets what is too far back.
func (w *window) slide(p []byte) {
	if w == nil {
		return
	}
	p = p[max(len(p)-w.size, 0):]
	keep := min(len(w.bytes), w.size-len(p))
	if need := keep + len(p); need > cap(w.bytes) {
		grown := make([]byte, len(w.bytes), min(w.size, max(2*cap(w.bytes), need)))
		copy(grown, w.bytes)
		w.bytes = grown
	}
	copy(w.bytes, w.bytes[len(w.bytes)-keep:])
	w.bytes = append(w.bytes[:keep], p...)
}
