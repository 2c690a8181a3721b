package http1

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Chunk is the next part of a streamed answer; an empty one ends it. First comes
// a Response with "Transfer-Encoding: chunked" in Header, whose Body, if any, is
// the first part:
//
//	c.Send(http1.NewResponse(200, map[string]string{"Transfer-Encoding": "chunked"}, "a"))
//	c.Send(http1.Chunk("b"))
//	c.Send(http1.Chunk(nil))
//
// Parts may come much later, from a timer for example. Until the end other
// answers are refused with ErrStreaming, and the next request of the connection
// waits. With a Content-Length beside it the parts go out as they are, behind a head
// with that length, and the client can tell how much is to come: a part above it is
// refused with http.ErrContentLength, and an end below it ends the connection, so
// that the client sees that it is not whole. Without one a client of HTTP/1.0 gets
// the parts as they are, and the end of the connection for that of the answer; the
// answer to HEAD is the head, and parts are swallowed. Close before the end leaves
// the answer without its last chunk, so that the client sees that it is not whole;
// so does a part that is refused for a full buffer: see MaxSendBufferSize and
// OnBufferDrain.
type Chunk []byte

// Event is one message of an event stream (Server-Sent Events, the EventSource of
// browsers). First comes a Response with "Content-Type: text/event-stream" in
// Header, then any number of Events; Chunk(nil) or Close ends the stream, and the
// browser connects again. OnClose tells that the client has left.
//
//	c.Send(http1.NewResponse(200, map[string]string{"Content-Type": "text/event-stream"}, ""))
//	c.Send(http1.Event{Data: "hello"})
//
// A process that is told to leave ends its event streams at once, and the
// browsers connect to the new one. HEAD is answered with the head, and closes.
type Event struct {
	ID    string // the browser sends it back in Last-Event-ID; no line breaks
	Event string // the type to listen to; empty is "message"; no line breaks
	Data  string // any text; each line of it is a line of the stream
	// Retry is after how long the browser connects again when the connection
	// ends, in whole milliseconds; 0 leaves it as it is.
	Retry time.Duration
	// Comment is for nobody; one now and then keeps proxies from giving up.
	Comment string
}

var (
	// ErrNotStreaming is what Send returns for a Chunk or Event outside of a
	// streamed answer, and for an Event in one that is no event stream.
	ErrNotStreaming = errors.New("http1: there is no stream for this to be a part of")
	// ErrStreaming is what Send returns for an answer while another is being
	// streamed: Chunk(nil) ends that.
	ErrStreaming = errors.New("http1: a streamed answer is under way")
	// ErrBadEvent is what Send returns for an Event that would be read as
	// something else: ID or Event with a line break or a zero byte, or a Retry
	// below 0.
	ErrBadEvent = errors.New("http1: no event can have this id, name or retry")
)

// stream is how the parts of a streamed answer go out, and above these bits how many
// bytes of one with a length are to come. 0: there is none.
type stream uint64

const (
	streams stream = 1 << iota
	ofEvents
	inChunks // not for HTTP/1.0
	unseen   // for HEAD
	sized    // it has a length

	streamBits = iota
)

// left is how many bytes of a sized one are to come.
func (s stream) left() int64 { return int64(s >> streamBits) }

// streamOf tells what r begins; 0 for an answer that is whole.
func (r *Response) streamOf() stream {
	kind := stream(0)
	for name, values := range r.Header {
		if len(values) == 0 {
			continue
		}
		switch {
		case fold(name, "transfer-encoding") && hasToken([]byte(values[0]), "chunked"):
			kind |= streams
		case fold(name, "content-type") && isEvents(values[0]):
			kind |= streams | ofEvents
		}
	}
	return kind
}

func isEvents(kind string) bool {
	kind, _, _ = strings.Cut(kind, ";")
	return fold(strings.TrimSpace(kind), typeEvents)
}

// sizedBy adds the length that r says its body will have.
func (s stream) sizedBy(r *Response) stream {
	if s&ofEvents != 0 {
		return s
	}
	given, _ := r.header("Content-Length")
	length, err := strconv.ParseUint(given, 10, 63-streamBits)
	if err != nil || length < uint64(len(r.Body)) {
		return s
	}
	return s | sized | stream(length)<<streamBits
}

// beginStream appends the head of a streamed answer, and its first part.
func (e *exchange) beginStream(w *responseWriter, kind stream) []byte {
	kind = kind.sizedBy(w.response)
	switch {
	case w.answer&noBody != 0:
		kind |= unseen
	case kind&sized != 0:
	case e.request.head.minor == 0:
		w.answer |= closes
	default:
		kind |= inChunks
	}
	if kind&ofEvents != 0 && kind&unseen != 0 {
		w.answer |= closes // its author stops with the connection
	}
	w.framed, w.open, w.size = true, kind&sized == 0, kind.left()
	w.chunked = w.open && (kind&inChunks != 0 || e.request.head.minor > 0)
	w.head()
	e.stream, e.pending, e.final = kind, w.answer, false
	dst := w.dst
	if len(w.body) > 0 {
		dst = e.appendPart(dst, w.body)
	}
	if kind&ofEvents != 0 && (kind&unseen != 0 || e.leaving) {
		dst = e.endStream(dst)
	}
	return dst
}

// appendPart appends one part, which is not empty.
func (e *exchange) appendPart(dst, p []byte) []byte {
	switch {
	case e.stream&unseen != 0:
		return dst
	case e.stream&inChunks == 0:
		if e.stream&sized != 0 {
			e.stream -= stream(len(p)) << streamBits
		}
		return append(dst, p...)
	}
	dst = strconv.AppendInt(dst, int64(len(p)), 16)
	dst = append(dst, crlf...)
	dst = append(dst, p...)
	return append(dst, crlf...)
}

// endStream appends what ends the answer.
func (e *exchange) endStream(dst []byte) []byte {
	dst = e.appendLast(dst)
	if e.leaving || e.stream&unseen == 0 && e.stream.left() > 0 {
		e.pending |= closes
	}
	e.stream, e.final = 0, true
	return dst
}

const lastChunk = "0\r\n\r\n"

func (e *exchange) appendLast(dst []byte) []byte {
	if e.stream&inChunks != 0 {
		dst = append(dst, lastChunk...)
	}
	return dst
}

func (e *exchange) encodeChunk(dst []byte, p Chunk) ([]byte, error) {
	switch {
	case e.stream == 0:
		return dst, ErrNotStreaming
	case len(p) == 0:
		return e.endStream(dst), nil
	case e.stream&(sized|unseen) == sized && int64(len(p)) > e.stream.left():
		return dst, http.ErrContentLength
	}
	return e.appendPart(dst, p), nil
}

func (e *exchange) encodeEvent(dst []byte, v *Event) ([]byte, error) {
	switch {
	case e.stream&ofEvents == 0:
		return dst, ErrNotStreaming
	case !v.valid():
		return dst, ErrBadEvent
	}
	start := len(dst)
	dst = v.append(dst)
	if e.stream&inChunks == 0 {
		return dst, nil
	}
	var room [20]byte
	head := strconv.AppendInt(room[:0], int64(len(dst)-start), 16)
	dst = slices.Insert(dst, start, append(head, crlf...)...)
	return append(dst, crlf...), nil
}

func (v *Event) valid() bool {
	const breaks = "\r\n\x00"
	return v.Retry >= 0 && !strings.ContainsAny(v.ID, breaks) && !strings.ContainsAny(v.Event, breaks)
}

// append keeps the order of features.md 28.3. A browser passes over an event
// without a data line, so one with a name, or with nothing at all, has an empty
// one.
func (v *Event) append(dst []byte) []byte {
	silent := v.Event == "" && (v.Comment != "" || v.ID != "" || v.Retry > 0)
	if v.Comment != "" {
		dst = appendLines(dst, ": ", v.Comment)
	}
	if v.Event != "" {
		dst = appendLines(dst, "event: ", v.Event)
	}
	if v.ID != "" {
		dst = appendLines(dst, "id: ", v.ID)
	}
	if v.Retry > 0 {
		dst = append(dst, "retry: "...)
		dst = strconv.AppendInt(dst, v.Retry.Milliseconds(), 10)
		dst = append(dst, '\n')
	}
	if v.Data != "" || !silent {
		dst = appendLines(dst, "data: ", v.Data)
	}
	return append(dst, '\n')
}

// appendLines appends text, whose lines may end with LF, CR LF or CR: a browser
// takes each of them for an end.
func appendLines(dst []byte, name, text string) []byte {
	for more := true; more; {
		line := text
		end := strings.IndexAny(text, "\r\n")
		if more = end >= 0; more {
			line = text[:end]
			if strings.HasPrefix(text[end:], "\r\n") {
				end++
			}
			text = text[end+1:]
		}
		dst = append(dst, name...)
		dst = append(dst, line...)
		dst = append(dst, '\n')
	}
	return dst
}
