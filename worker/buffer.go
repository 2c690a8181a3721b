package worker

import "math/bits"

// buffer holds the bytes of a connection that wait: data[off:]. A nil buffer
// is empty.
type buffer struct {
	data []byte
	off  int
}

func (b *buffer) size() int {
	if b == nil {
		return 0
	}
	return len(b.data) - b.off
}

func (b *buffer) bytes() []byte {
	if b == nil {
		return nil
	}
	return b.data[b.off:]
}

// Size classes of pooled buffers: 512 bytes doubled up to 256 KiB. Larger ones
// are made as large as needed and not kept.
const (
	minClassBits = 9
	classes      = 10
	// keepBytes is how much one class may hold back for later use.
	keepBytes = 2 << 20
	// keepAtLeast spares busy processes the large ones as well.
	keepAtLeast = 4
)

// pool keeps released buffers by size class. Owned by the loop.
type pool struct {
	free    [classes][]*buffer
	dropped int64 // bytes of those that were not kept
}

// classUp is the smallest class that holds n bytes, classes if none does.
func classUp(n int) int {
	if n <= 1<<minClassBits {
		return 0
	}
	return min(bits.Len(uint(n-1))-minClassBits, classes)
}

// classDown is the largest class that fits in n bytes, -1 if none does.
func classDown(n int) int { return min(bits.Len(uint(n))-1-minClassBits, classes-1) }

// get returns an empty buffer with room for n bytes.
func (p *pool) get(n int) *buffer {
	k := classUp(n)
	if k == classes {
		return &buffer{data: make([]byte, 0, n)}
	}
	if list := p.free[k]; len(list) > 0 {
		b := list[len(list)-1]
		p.free[k] = list[:len(list)-1]
		return b
	}
	return &buffer{data: make([]byte, 0, 1<<(k+minClassBits))}
}

// put takes a buffer back; nil is nothing.
func (p *pool) put(b *buffer) {
	if b == nil {
		return
	}
	b.data, b.off = b.data[:0], 0
	k := classDown(cap(b.data))
	if k >= 0 && cap(b.data) <= 2<<(classes-1+minClassBits) {
		if n := len(p.free[k]); n < keepAtLeast || n < keepBytes>>(k+minClassBits) {
			p.free[k] = append(p.free[k], b)
			return
		}
	}
	p.dropped += int64(cap(b.data))
}

// largeBytes is from where on buffers grow by a quarter instead of being doubled.
const largeBytes = 256 << 10

// grow gives b room for n more bytes, in an array of the next class; what was
// sent already is cut off first.
func (p *pool) grow(b *buffer, n int) {
	if cap(b.data)-len(b.data) >= n {
		return
	}
	want := b.size() + n
	if want <= cap(b.data) && b.off >= b.size() {
		b.data = append(b.data[:0], b.bytes()...)
		b.off = 0
		return
	}
	room := 2 * b.size()
	if b.size() >= largeBytes {
		room = b.size() + b.size()/4
	}
	larger := p.get(max(want, room))
	data := append(larger.data, b.bytes()...)
	larger.data = b.data
	b.data, b.off = data, 0
	p.put(larger)
}
