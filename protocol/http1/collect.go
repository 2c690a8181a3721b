package http1

import (
	"bytes"

	"github.com/workerman-go/wm/protocol"
)

// A multipart form above MaxUploadMemory is taken piece by piece, as it comes:
// Input returns the length of the head, then that of each piece of the body, and
// Decode returns Skip for all of them but the last.

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
	frame   []byte // the head
	form    *partReader
	chunked bool
	place   chunkPlace
	left    int64
	chunks  chunks // of the size line, or the trailers, that come next
	come    int    // bytes of the message so far
	trails  []byte

	complete bool // nothing is missing any more
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
		return badRequest
	}
	k := &collector{frame: bytes.Clone(frame), left: e.head.contentLength, come: len(frame)}
	if e.head.chunked {
		k.chunked, k.place = true, atSize
	}
	k.form = newPartReader(boundary, newParts(true))
	e.collector = k
	return protocol.Skip
}

// inputPiece returns the length of the next piece, 0 when it has not come.
func (e *exchange) inputPiece(buf []byte, limit int) (int, error) {
	n, err := e.collector.input(buf, limit-e.collector.come)
	if err != nil {
		e.discard()
	}
	return n, err
}

// collected takes the next piece. It returns Skip until the request is there, and
// nothing when it is asked again then.
func (e *exchange) collected(frame []byte) error {
	k := e.collector
	if k.complete {
		return nil
	}
	done, err := k.take(frame)
	if done && err == nil {
		err = k.form.finish()
	}
	switch {
	case err != nil:
		e.discard()
		return err
	case !done:
		return protocol.Skip
	}
	k.complete = true
	return nil
}

// discard deletes what was collected of a request that will not come.
func (e *exchange) discard() {
	if e.collector != nil {
		e.collector.form.parts.remove()
		e.collector = nil
	}
}

// setCollected makes r the request that k has collected.
func (r *Request) setCollected(k *collector, h *head) {
	r.drop()
	r.head, r.frame, r.body, r.trails = *h, k.frame, nil, k.trails
	p := k.form.parts
	r.more = &more{form: p.fields.values, parts: p, streamed: true, size: k.form.offset + len(k.form.held)}
}

// input is inputPiece, where limit is for what has not come.
func (k *collector) input(buf []byte, limit int) (int, error) {
	switch k.place {
	case atSize:
		size, data, err := k.chunks.sizeLine(buf, limit)
		if err == nil && size > int64(limit-data-len(crlf)) {
			err = tooLarge
		}
		return data, err
	case behindChunk:
		if len(buf) < len(crlf) {
			return 0, nil
		}
		if !bytes.HasPrefix(buf, crlf) {
			return 0, badRequest
		}
		return len(crlf), nil
	case atTrailers:
		return k.chunks.skipTrailers(buf, limit)
	}
	return int(min(int64(len(buf)), k.left)), nil
}

// take reads the piece of which input has told the length.
func (k *collector) take(frame []byte) (done bool, err error) {
	k.come += len(frame)
	switch k.place {
	case atSize:
		k.chunks = chunks{}
		k.left, _ = chunkSize(frame[:len(frame)-len(crlf)])
		k.place = inBody
		if k.left == 0 {
			k.place = atTrailers
		}
	case behindChunk:
		k.place = atSize
	case atTrailers:
		k.trails = bytes.Clone(frame)
		return true, nil
	default:
		k.left -= int64(len(frame))
		done = k.left == 0
		if done && k.chunked {
			k.place, done = behindChunk, false
		}
		err = k.form.feed(frame)
	}
	return done, err
}
