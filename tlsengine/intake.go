package tlsengine

// The record header of RFC 8446 section 5.1 and RFC 5246 section 6.2.1: type,
// major and minor version, length.
const (
	headerBytes = 5
	// maxBody is the longest body: 16 KiB and 2,048 bytes for TLS 1.2.
	maxBody = 16<<10 + 2048

	firstType, lastType = 20, 23 // change_cipher_spec … application_data
	majorVersion        = 3
)

// intake is the ciphertext that crypto/tls has not seen. It gives out whole
// records, one at a time, so that nothing stays in crypto/tls in between.
type intake struct {
	queue
	lent []byte // behind the queue; the caller's until keep
	left int    // bytes of the record that crypto/tls has begun to read
}

// feed copies p to the end. The chunks are small, as what stays behind is part
// of one record.
func (in *intake) feed(p []byte) { in.write(p, min(len(p), midChunk)) }

// lend is feed without a copy, but for the end of a record that has begun in the
// queue: read takes the rest from p itself. keep must follow.
func (in *intake) lend(p []byte) {
	for in.size > 0 && len(p) > 0 {
		n := min(in.missing(), len(p))
		if n == 0 {
			break
		}
		in.feed(p[:n])
		p = p[n:]
	}
	in.lent = p
}

// keep copies what was lent and not read.
func (in *intake) keep() {
	if len(in.lent) > 0 {
		in.feed(in.lent)
	}
	in.lent = nil
}

// missing is how many bytes the queue needs to end with a record, or to have a
// header; 0 when it does, or has no sense.
func (in *intake) missing() int {
	if in.left > 0 {
		return max(in.left-in.size, 0)
	}
	if in.size < headerBytes {
		return headerBytes - in.size
	}
	total, plausible := in.header()
	if !plausible {
		return 0
	}
	return max(total-in.size, 0)
}

// waiting is how many bytes read could give out of one source: of the queue
// first.
func (in *intake) waiting() int {
	if in.size > 0 {
		return in.size
	}
	return len(in.lent)
}

// ready says that read has something: a whole record, the rest of one, or a
// header that cannot be right, on which crypto/tls shall fail at once.
func (in *intake) ready() bool {
	n := in.waiting()
	if in.left > 0 {
		return n > 0
	}
	if n < headerBytes {
		return false
	}
	total, plausible := in.header()
	return n >= total || !plausible
}

// header is the length of the next record, header included, and whether it can
// be one. The caller has seen that its bytes are there.
func (in *intake) header() (total int, plausible bool) {
	var h [headerBytes]byte
	if in.size > 0 {
		in.peek(h[:])
	} else {
		copy(h[:], in.lent)
	}
	body := int(h[3])<<8 | int(h[4])
	plausible = h[0] >= firstType && h[0] <= lastType && h[1] == majorVersion && body <= maxBody
	return headerBytes + body, plausible
}

// read moves bytes of one record to p. Called when ready.
func (in *intake) read(p []byte) (n int) {
	if in.left == 0 {
		in.left, _ = in.header()
	}
	p = p[:min(len(p), in.left)]
	if in.size > 0 {
		n = in.queue.read(p)
	} else {
		n = copy(p, in.lent)
		in.lent = in.lent[n:]
	}
	in.left -= n
	return n
}

// clear drops everything.
func (in *intake) clear() {
	in.queue.clear()
	in.lent = nil
}
