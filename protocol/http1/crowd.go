package http1

import (
	"bytes"

	"github.com/workerman-go/wm/protocol"
)

// Many small files fit in memory, but to make or delete a thousand of them takes
// long. Forms that have more than fewFiles are written off the loop, before the
// request is delivered, and deleted there.

const fewFiles = 16

var fileMark = []byte("filename")

// isCrowded tells whether the complete request in frame, of which nothing was
// collected, may have many files.
func (e *exchange) isCrowded(frame []byte) bool {
	body := frame[e.head.length:]
	if len(body) < fewFiles*len(fileMark) {
		return false
	}
	r := Request{head: e.head, frame: frame}
	return r.isMultipart() && bytes.Count(body, fileMark) > fewFiles
}

// writeFirst has the files of the complete request in frame written, and returns
// Wait if that is done elsewhere.
func (e *exchange) writeFirst(frame []byte, c protocol.Conn) error {
	r := Request{head: e.head, frame: frame}
	boundary, ok := formBoundary(r.Header("Content-Type"))
	if !ok {
		return nil
	}
	k := &collector{whole: true, form: newPartReader(boundary, newParts(false))}
	k.frame = bytes.Clone(frame) // that of the connection may move
	k.batch = k.frame[e.head.length:]
	if e.head.chunked {
		k.batch = e.chunks.join(k.frame, e.head.length)
	}
	k.ended, k.working = true, true
	e.collector = k
	if a, ok := c.(protocol.Awaiter); ok {
		a.Await(k.write, func() {})
		return protocol.Wait
	}
	k.write()
	return nil
}

// writeWhole is write for a form that was not collected: what is wrong with it
// ends the form, not the request.
func (k *collector) writeWhole() {
	p := k.form.parts
	if err := k.form.feed(k.batch); err != nil || k.form.finish() != nil {
		p.cut()
	}
	for _, u := range p.uploads {
		u.save(u.content.of(k.batch))
	}
}

// removeParts deletes the files that were not moved, many of them off the loop.
func removeParts(p *parts, c protocol.Conn) {
	a, ok := c.(protocol.Awaiter)
	if !ok || len(p.uploads) <= fewFiles {
		p.remove()
		return
	}
	a.Await(p.remove, func() {})
}
