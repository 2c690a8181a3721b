package http1

import (
	"bytes"
	"math"
	"sync"

	"github.com/workerman-go/wm/protocol"
)

// A multipart form above MaxUploadMemory is taken piece by piece, as it comes:
// Input returns the length of the head, then that of what has come of the body, and
// Decode returns Skip for all of them but the last. Some pieces together are read
// and written off the loop, which no disk may stop.

// batchBytes is how much is gathered before it is written.
const batchBytes = 128 << 10

// chunkPlace is what comes next of a body that is being collected.
type chunkPlace uint8

const (
	inBody chunkPlace = iota // left bytes of it, or of a chunk
	atSize
	behindChunk
	atTrailers
)

// collector is a request of which the body is still coming.
type collector struct {
	walk
	frame  []byte // the head
	trails []byte
	whole  bool // nothing is to come: see crowd.go

	// What write uses, off the loop while working is set.
	form  *partReader
	batch []byte
	err   error

	mu        sync.Mutex // guards working and abandoned
	working   bool
	abandoned bool // the request will not come
}

// walk is how far a body has been read.
type walk struct {
	chunked bool
	place   chunkPlace
	left    int64
	chunks  chunks // of the size line, or the trailers, that come next
	come    int    // bytes of the message so far
	ended   bool   // the last of them has come
}

// streams tells whether the request, of which the head is known and length bytes
// are announced, 0 when nobody knows yet, is too large for memory and a form.
func (e *exchange) streams(buf []byte, length int) bool {
	if length == 0 {
		length = len(buf)
	}
	if length-e.head.length <= max(MaxUploadMemory, 0) {
		return false
	}
	r := Request{head: e.head, frame: buf}
	return r.isMultipart()
}

// hasBody tells whether more than the head belongs to the request.
func (h *head) hasBody() bool { return h.chunked || h.contentLength > 0 }

// collect begins to take the body of the request with this head.
func (e *exchange) collect(frame []byte) error {
	r := Request{head: e.head, frame: frame}
	boundary, ok := formBoundary(r.Header("Content-Type"))
	if !ok {
		return badForm
	}
	k := &collector{frame: bytes.Clone(frame)}
	k.left, k.come = e.head.contentLength, len(frame)
	if e.head.chunked {
		k.chunked, k.place = true, atSize
	}
	k.form = newPartReader(boundary, newParts(true))
	e.collector = k
	return protocol.Skip
}

// collected takes the next piece. It returns Skip until the request is there, and
// nothing when it is asked again then.
func (e *exchange) collected(frame []byte, c protocol.Conn) error {
	k := e.collector
	if !k.ended && k.err == nil { // else this piece was awaited, or is not wanted
		k.take(frame)
		a, ok := c.(protocol.Awaiter)
		switch {
		case !ok:
			k.write()
		case k.ended || len(k.batch) >= batchBytes:
			k.working = true
			a.Await(k.write, func() {})
			if k.ended {
				return protocol.Wait
			}
			return protocol.Skip
		}
	}
	switch {
	case k.err != nil:
		return k.err
	case !k.ended:
		return protocol.Skip
	}
	return nil
}

// write reads what has come. Called in Await, or on the loop.
func (k *collector) write() {
	defer k.wrote()
	if k.whole {
		k.writeWhole()
		return
	}
	k.err = k.form.feed(k.batch)
	if k.batch = k.batch[:0]; k.ended && k.err == nil {
		k.err = k.form.finish()
	}
}

// wrote deletes what nobody waits for any more.
func (k *collector) wrote() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.working = false
	if k.abandoned {
		k.form.parts.remove()
	}
}

// discard deletes what was collected of a request that will not come.
func (e *exchange) discard() {
	k := e.collector
	if k == nil {
		return
	}
	e.collector = nil
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.abandoned = true; !k.working {
		removeParts(k.form.parts, e.request.conn)
	}
}

// setCollected makes r the request that k has collected.
func (r *Request) setCollected(k *collector, h *head) {
	r.drop()
	r.head, r.frame, r.body, r.trails = *h, k.frame, nil, k.trails
	p := k.form.parts
	r.more = &more{form: p.fields.values, parts: p, streamed: true}
	r.more.size = k.form.offset + len(k.form.held)
}

// input returns the length of the steps that buf has completely, 0 when there is none.
// There may be thousands: a chunk can be as short as a byte.
func (k *collector) input(buf []byte, limit int) (n int, err error) {
	for w := k.walk; n < len(buf) && !w.ended; {
		length, err := w.next(buf[n:], limit-w.come)
		if n == 0 {
			k.chunks = w.chunks // how far an unfinished line was searched
		}
		if n > 0 && err != nil {
			return n, nil // what is before it comes first
		}
		if length == 0 || err != nil {
			return n, err
		}
		w.pass(buf[n : n+length])
		n += length
	}
	return n, nil
}

// take reads the piece of which input has told the length.
func (k *collector) take(frame []byte) {
	for len(frame) > 0 {
		length, _ := k.next(frame, math.MaxInt) // input has judged it
		step := frame[:length]
		switch k.place {
		case inBody:
			k.batch = append(k.batch, step...)
		case atTrailers:
			k.trails = bytes.Clone(step)
		}
		k.pass(step)
		frame = frame[length:]
	}
}

// next is the length of the next step: of a line or two of them, or of what buf
// has of a chunk or the body. It is 0 when it is not complete; limit is for all
// that has not come.
func (w *walk) next(buf []byte, limit int) (int, error) {
	switch w.place {
	case atSize:
		size, data, err := w.chunks.sizeLine(buf, limit)
		if err == nil && size > int64(limit-data-len(crlf)) {
			err = tooLarge
		}
		return data, err
	case behindChunk:
		if len(buf) < len(crlf) {
			return 0, nil
		}
		if !bytes.HasPrefix(buf, crlf) {
			return 0, badChunk
		}
		return len(crlf), nil
	case atTrailers:
		return w.chunks.skipTrailers(buf, limit)
	}
	return int(min(int64(len(buf)), w.left)), nil
}

// pass goes on behind a step.
func (w *walk) pass(step []byte) {
	w.come += len(step)
	switch w.place {
	case atSize:
		w.chunks = chunks{}
		w.left, _ = chunkSize(step[:len(step)-len(crlf)])
		w.place = inBody
		if w.left == 0 {
			w.place = atTrailers
		}
	case behindChunk:
		w.place = atSize
	case atTrailers:
		w.ended = true
	default:
		if w.left -= int64(len(step)); w.left == 0 && w.chunked {
			w.place = behindChunk
		}
		w.ended = w.left == 0 && !w.chunked
	}
}
