package http1

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// responseWriter appends one Response. The flags say which headers the author
// has given.
type responseWriter struct {
	dst      []byte
	response *Response
	status   int
	answer   answer

	connection, kind, length, date bool
}

// write keeps the order of features.md 27.9; the author's headers come first,
// sorted, because a map has no order to keep.
func (w *responseWriter) write() {
	w.statusLine()
	var room [16]string
	names := room[:0]
	for name := range w.response.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	forced := w.answer&closes != 0
	for _, name := range names {
		if name == "" || tokenLength(name) != len(name) || forced && fold(name, "connection") {
			continue
		}
		for _, value := range w.response.Header[name] {
			w.header(name, value)
		}
	}
	if w.status >= http.StatusOK {
		w.defaults()
	}
	w.dst = append(w.dst, crlf...)
	if w.answer&noBody == 0 && !bodiless(w.status) {
		w.dst = append(w.dst, w.response.Body...)
	}
}

func (w *responseWriter) statusLine() {
	w.dst = append(w.dst, "HTTP/1.1 "...)
	w.dst = strconv.AppendInt(w.dst, int64(w.status), 10)
	w.dst = append(w.dst, ' ')
	w.dst = append(w.dst, http.StatusText(w.status)...)
	w.dst = append(w.dst, crlf...)
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
	case fold(name, "date"):
		w.date = true
	}
	w.line(name, value)
}

// mayTellLength is true where the length is that of a body which is not sent.
func (w *responseWriter) mayTellLength() bool {
	head := w.answer&noBody != 0 && len(w.response.Body) == 0
	return head || w.status == http.StatusNotModified
}

func (w *responseWriter) defaults() {
	if !w.date {
		w.dst = appendDate(w.dst)
	}
	if !w.connection {
		w.dst = appendConnection(w.dst, w.answer)
	}
	if bodiless(w.status) {
		return
	}
	if !w.kind {
		w.line("Content-Type", typeHTML)
	}
	if !w.length {
		w.dst = append(w.dst, "Content-Length: "...)
		w.dst = strconv.AppendInt(w.dst, int64(len(w.response.Body)), 10)
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
