package http1

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/workerman-go/wm/protocol"
)

const (
	// maxInline is how much of a file goes into the send buffer, behind its
	// head: one system call to write instead of two, and no file that stays
	// open. From here on sendfile(2) costs less.
	maxInline = 16 << 10
	// maxHeld is how much of it is read where nobody can send a file.
	maxHeld = 1 << 20
)

var errHeld = errors.New("http1: a file above 1 MiB cannot be sent here")

// fileAnswer is the answer that sends a file. It is decided before anything is
// appended.
type fileAnswer struct {
	opened
	validators
	response *Response
	status   int
	kind     string // Content-Type

	offset, length int64
	ranged         bool // Content-Range says which part this is
	ranges         bool // ranges may be asked for
	download       bool
	tagged         bool // the file has an ETag of our own
	packed         bool // with gzip
	varies         bool // whether it is depends on the request
}

// encodeFile appends the answer to a request for a file, and has the connection
// send what is too large to be appended.
func (e *exchange) encodeFile(dst []byte, r *Response, a answer, c protocol.Conn) ([]byte, error) {
	f := fileAnswer{response: r}
	var status int
	if f.opened, status = r.file.open(); status != 0 {
		return e.encodeProblem(dst, &fileAnswer{response: r, status: status}, a), nil
	}
	f.decide(e.asking())
	out, later, err := e.encodeOpened(dst, &f, a, c)
	if !later {
		_ = f.file.Close() // it was only read
	}
	switch err {
	case nil:
		return out, nil
	case errShort:
		f.status = http.StatusInternalServerError
		return e.encodeProblem(dst, &f, a), nil
	}
	e.final = false // the head has gone with the rest
	return dst, err
}

// asking is the request that is answered, nil when there is none.
func (e *exchange) asking() *Request {
	if !e.asked {
		return nil
	}
	return &e.request
}

// encodeOpened reports whether the connection closes the file later.
func (e *exchange) encodeOpened(dst []byte, f *fileAnswer, a answer, c protocol.Conn) (
	out []byte, later bool, err error) {
	if f.status >= http.StatusBadRequest && f.status != f.response.Status {
		return e.encodeProblem(dst, f, a), false, nil
	}
	if f.packed {
		out, err = e.encodePacked(dst, f, a)
		return out, false, err
	}
	out = e.encodeHead(dst, f, a)
	switch {
	case e.pending&noBody != 0 || bodiless(f.status) || f.length == 0:
		return out, false, nil
	case f.length <= maxInline:
		out, err = appendPiece(out, f.file, f.offset, f.length)
		return out, false, err
	}
	if s, ok := c.(protocol.BodySender); ok {
		err = s.SendBody(protocol.Body{File: f.file, Offset: f.offset, Length: f.length})
		return out, err == nil, err
	}
	if f.length > maxHeld {
		return dst, false, errHeld
	}
	out, err = appendPiece(out, f.file, f.offset, f.length)
	return out, false, err
}

// errShort says that a file has become shorter since it was opened.
var errShort = io.ErrUnexpectedEOF

// appendPiece reads a piece of a file.
func appendPiece(dst []byte, file io.ReaderAt, offset, length int64) ([]byte, error) {
	start := len(dst)
	dst = slices.Grow(dst, int(length))[:start+int(length)]
	if n, err := file.ReadAt(dst[start:], offset); int64(n) < length {
		if err == nil || err == io.EOF {
			err = errShort
		}
		return dst[:start], err
	}
	return dst, nil
}

// decide finds out what the client gets; request is nil when nothing was asked.
func (f *fileAnswer) decide(request *Request) {
	r := f.response
	f.status = http.StatusOK
	if r.Status != 0 {
		f.status = r.Status
	}
	f.kind = typeOfName(r.file.name)
	if given, ok := r.header("Content-Type"); ok {
		f.kind = given
	} else if f.kind == "" {
		f.kind, f.download = typeBinary, true
	}
	f.cut()
	if f.status != http.StatusOK || request == nil || !request.reads() {
		return
	}
	found := request.conditions()
	f.validate(found)
	f.pack(request, found)
	f.ranges = !f.sequential && !f.packed && (!r.file.piece() || found&rangeOf != 0)
	if status := f.validators.status(request, found); status != 0 {
		f.status = status
		return
	}
	f.cutFor(request, found)
}

// cut is the piece that the author has chosen.
func (f *fileAnswer) cut() {
	s := f.response.file
	f.offset = min(s.offset, f.size)
	f.length = f.size - f.offset
	if s.length > 0 {
		f.length = min(f.length, s.length)
	}
}

// validate takes ETag and Last-Modified from the author or from the file. A file
// from the future was changed now, RFC 9110 section 8.8.2.1. A tag of our own is
// made here only for a client that compares it.
func (f *fileAnswer) validate(found conditions) {
	if given, ok := f.response.header("Last-Modified"); ok {
		f.validators.changed, _ = http.ParseTime(given)
	} else if !f.opened.changed.IsZero() {
		changed := f.opened.changed
		if now := time.Now(); changed.After(now) {
			changed = now
		}
		f.validators.changed = changed.Truncate(time.Second)
	}
	if given, ok := f.response.header("Etag"); ok {
		f.etag = given
	} else if f.tagged = !f.opened.changed.IsZero(); f.tagged && found&comparesTag != 0 {
		f.etag = string(appendETag(nil, f.size, f.opened.changed))
	}
}

// cutFor is the part that the client has asked for. HEAD has no ranges, RFC 9110
// section 14.2.
func (f *fileAnswer) cutFor(request *Request, found conditions) {
	s := f.response.file
	if found&rangeOf == 0 || request.head.method != methodGet || !f.ranges {
		if s.piece() && s.offset >= f.size && s.offset > 0 {
			f.status = http.StatusRequestedRangeNotSatisfiable
		}
		return
	}
	if s.piece() {
		f.status, f.ranged = http.StatusPartialContent, true
		if f.length == 0 {
			f.status = http.StatusRequestedRangeNotSatisfiable
		}
		return
	}
	if found&ifRange != 0 && !f.rangeHolds(request.Header("If-Range")) {
		return
	}
	offset, length, v := byteRange(request.Header("Range"), f.size)
	switch v {
	case rangeMet:
		f.status, f.ranged = http.StatusPartialContent, true
		f.offset, f.length = offset, length
	case rangeUnmet:
		f.status = http.StatusRequestedRangeNotSatisfiable
	}
}

// encodeHead appends the head of the answer that f is.
func (e *exchange) encodeHead(dst []byte, f *fileAnswer, a answer) []byte {
	w := responseWriter{dst: dst, response: f.response, status: f.status, answer: a, size: f.length}
	w.framed = true
	w.weak = f.packed
	if f.packed {
		w.open = a&noBody != 0 // the length is not known before the body
	}
	w.beginHead()
	if w.status >= http.StatusOK {
		f.describe(&w)
	}
	w.endHead()
	e.pending, e.final = w.answer, true
	return w.dst
}

// describe appends the headers that a file has unless the author gave them.
func (f *fileAnswer) describe(w *responseWriter) {
	if f.status != http.StatusNotModified {
		w.field("Content-Type", f.kind)
		if f.download && w.lacks("Content-Disposition") {
			w.dst = append(w.dst, "Content-Disposition: "...)
			w.dst = append(appendAttachment(w.dst, f.response.file.base()), crlf...)
		}
	}
	if f.packed && f.status != http.StatusNotModified {
		w.field("Content-Encoding", "gzip")
	}
	if f.varies {
		w.field("Vary", "Accept-Encoding")
	}
	f.version(w)
	if f.ranges && f.status != http.StatusNotModified {
		w.field("Accept-Ranges", "bytes")
	}
	if f.ranged && w.lacks("Content-Range") {
		w.dst = append(w.dst, "Content-Range: bytes "...)
		w.dst = strconv.AppendInt(w.dst, f.offset, 10)
		w.dst = append(w.dst, '-')
		w.dst = strconv.AppendInt(w.dst, f.offset+f.length-1, 10)
		w.dst = append(w.dst, '/')
		w.dst = append(strconv.AppendInt(w.dst, f.size, 10), crlf...)
	}
}

// version appends what tells one state of the file from another.
func (f *fileAnswer) version(w *responseWriter) {
	if !f.validators.changed.IsZero() && w.lacks("Last-Modified") {
		w.dst = append(w.dst, "Last-Modified: "...)
		w.dst = append(appendTime(w.dst, f.validators.changed), crlf...)
	}
	if f.tagged && w.lacks("ETag") {
		w.dst = append(w.dst, "ETag: "...)
		if f.packed {
			w.dst = append(w.dst, "W/"...)
		}
		w.dst = append(appendETag(w.dst, f.size, f.opened.changed), crlf...)
	}
}

// encodeProblem appends the page that says why the file is not sent. What the
// author's headers say of the file does not fit it.
func (e *exchange) encodeProblem(dst []byte, f *fileAnswer, a answer) []byte {
	page := &Response{Status: f.status, Header: f.response.Header}
	page.Body = []byte("<h3>" + strconv.Itoa(f.status) + " " + http.StatusText(f.status) + "</h3>")
	w := responseWriter{dst: dst, response: page, status: f.status, answer: a, body: page.Body}
	w.size, w.framed, w.problem = int64(len(page.Body)), true, true
	if f.status == http.StatusRequestedRangeNotSatisfiable {
		w.fields = []headerField{{"Content-Range", "bytes */" + strconv.FormatInt(f.size, 10)}}
	}
	w.write()
	e.pending, e.final = w.answer, true
	return w.dst
}
