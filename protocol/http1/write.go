package http1

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// responseWriter appends one Response. The last flags say which headers the
// author has given.
type responseWriter struct {
	dst      []byte
	response *Response
	status   int
	answer   answer
	body     []byte
	size     int64         // of the body, also where that does not follow
	fields   []headerField // what the author has not given of them is added

	framed  bool // the author has no say in Content-Length
	open    bool // there is none
	chunked bool // the body is a stream of chunks
	problem bool // the author's headers are about another body
	weak    bool // the body is not the one that the author's ETag is of

	connection, kind, length, date bool
}

// headerField is a header that an answer brings itself.
type headerField struct{ name, value string }

// write appends all of it.
func (w *responseWriter) write() {
	w.head()
	if w.answer&noBody == 0 && !bodiless(w.status) {
		w.dst = append(w.dst, w.body...)
	}
}

// head appends the head of an answer. One below 200 has no fields.
func (w *responseWriter) head() {
	w.beginHead()
	for _, f := range w.fields {
		w.field(f.name, f.value)
	}
	w.endHead()
}

// beginHead keeps the order of features.md 27.9; the author's headers come first,
// sorted, because a map has no order to keep.
func (w *responseWriter) beginHead() {
	w.statusLine()
	w.authorHeaders()
	if w.status < http.StatusOK {
		return
	}
	if !w.date {
		w.dst = appendDate(w.dst)
	}
	if !w.connection {
		w.dst = appendConnection(w.dst, w.answer)
	}
}

func (w *responseWriter) authorHeaders() {
	var room [16]string
	names := room[:0]
	for name := range w.response.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	forced := w.answer&closes != 0
	for _, name := range names {
		if name == "" || tokenLength(name) != len(name) || forced && fold(name, "connection") ||
			w.problem && aboutContent(name) {
			continue
		}
		for _, value := range w.response.Header[name] {
			w.header(name, value)
		}
	}
}

// aboutContent says that a header describes the body.
func aboutContent(name string) bool {
	for _, known := range [...]string{"content-type", "content-length", "content-encoding",
		"content-language", "content-disposition", "content-range", "etag", "last-modified",
		"cache-control", "expires", "accept-ranges"} {
		if fold(name, known) {
			return true
		}
	}
	return false
}

func (w *responseWriter) statusLine() {
	w.dst = append(w.dst, "HTTP/1.1 "...)
	w.dst = strconv.AppendInt(w.dst, int64(w.status), 10)
	w.dst = append(w.dst, ' ')
	if reason := w.response.Reason; reason != "" {
		w.dst = appendReason(w.dst, reason)
	} else {
		w.dst = append(w.dst, http.StatusText(w.status)...)
	}
	w.dst = append(w.dst, crlf...)
}

// appendReason leaves out what could end the line.
func appendReason(dst []byte, reason string) []byte {
	for i := range len(reason) {
		if c := reason[i]; c >= ' ' && c != 0x7f || c == '\t' {
			dst = append(dst, c)
		}
	}
	return dst
}

// header appends a header of the author unless it would break the message.
func (w *responseWriter) header(name, value string) {
	if strings.ContainsAny(value, "\r\n\x00") {
		return
	}
	switch {
	case fold(name, "transfer-encoding"):
		return
	case fold(name, "content-length"):
		if w.length || !w.mayTellLength() || !digits(value) {
			return
		}
		w.length = true
	case fold(name, "connection"):
		w.connection = true
		if hasToken([]byte(value), "close") {
			w.answer |= closes
		}
	case fold(name, "content-type"):
		w.kind = true
	case fold(name, "etag") && w.weak && strings.HasPrefix(value, `"`):
		value = "W/" + value
	case fold(name, "date"):
		w.date = true
	}
	w.line(name, value)
}

// mayTellLength is true where the length is that of a body which is not sent.
func (w *responseWriter) mayTellLength() bool {
	head := w.answer&noBody != 0 && len(w.body) == 0
	return !w.framed && (head || w.status == http.StatusNotModified)
}

// lacks says that the author's headers leave one to be added.
func (w *responseWriter) lacks(name string) bool {
	_, given := w.response.header(name)
	return !given || w.problem
}

// field appends a header that an answer brings itself, between beginHead and endHead.
func (w *responseWriter) field(name, value string) {
	if name == "Vary" || w.lacks(name) {
		w.line(name, value)
		w.kind = w.kind || name == "Content-Type"
	}
}

// endHead appends what says how the body is to be read, and the blank line.
func (w *responseWriter) endHead() {
	if !bodiless(w.status) {
		w.content()
	}
	w.dst = append(w.dst, crlf...)
}

func (w *responseWriter) content() {
	if !w.kind {
		w.line("Content-Type", typeHTML)
	}
	if w.chunked {
		w.dst = append(w.dst, "Transfer-Encoding: chunked\r\n"...)
	}
	if !w.length && !w.open {
		w.dst = append(w.dst, "Content-Length: "...)
		w.dst = strconv.AppendInt(w.dst, w.size, 10)
		w.dst = append(w.dst, crlf...)
	}
}

func (w *responseWriter) line(name, value string) {
	w.dst = append(w.dst, name...)
	w.dst = append(w.dst, ": "...)
	w.dst = append(w.dst, value...)
	w.dst = append(w.dst, crlf...)
}

// bodiless is true for answers that end with their head, RFC 9110 section 6.4.1.
func bodiless(status int) bool {
	return status < http.StatusOK || status == http.StatusNoContent ||
		status == http.StatusNotModified
}
