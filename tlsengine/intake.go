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
	left int // bytes of the record that crypto/tls has begun to read
}

// feed copies p to the end. The chunks are small, as what stays behind is part
// of one record.
func (in *intake) feed(p []byte) { in.write(p, min(len(p), midChunk)) }

// ready says that read has something: a whole record, the rest of one, or a
// header that cannot be right, on which crypto/tls shall fail at once.
func (in *intake) ready() bool {
	if in.left > 0 {
		return in.size > 0
	}
	if in.size < headerBytes {
		return false
	}
	total, plausible := in.header()
	return in.size >= total || !plausible
}

// header is the length of the next record, header included, and whether it can
// be one. The caller has seen that its bytes are there.
func (in *intake) header() (total int, plausible bool) {
	var h [headerBytes]byte
	in.peek(h[:])
	body := int(h[3])<<8 | int(h[4])
	plausible = h[0] >= firstType && h[0] <= lastType && h[1] == majorVersion && body <= maxBody
	return headerBytes + body, plausible
}

// read moves bytes of one record to p. Called when ready.
func (in *intake) read(p []byte) int {
	if in.left == 0 {
		in.left, _ = in.header()
	}
	n := in.queue.read(p[:min(len(p), in.left)])
	in.left -= n
	return n
}
