package http1

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"

	"github.com/workerman-go/wm/protocol"
)

// maxRefused is how much of a request that was refused the access log shows.
const maxRefused = 256

// accessOf returns the access log of c, nil without one.
func accessOf(c protocol.Conn) protocol.AccessLog {
	if l, ok := c.(protocol.AccessLogger); ok {
		return l.AccessLog()
	}
	return nil
}

// logAnswer notes the answer that was just encoded, once for each request: what
// follows its head are parts of its body.
func (e *exchange) logAnswer(out []byte) {
	if e.access == nil || e.logged {
		return
	}
	status, length := readAnswer(out)
	if status < http.StatusOK && status != http.StatusSwitchingProtocols {
		return
	}
	a := protocol.Answer{Status: status, Bytes: length}
	if e.asked {
		e.logged = true
		e.describe(&a)
		if e.due&noBody != 0 || bodiless(status) {
			a.Bytes = 0
		}
	}
	e.access.Add(a)
}

// describe fills in what the request says.
func (e *exchange) describe(a *protocol.Answer) {
	r := &e.request
	a.Request, a.Forwarded = firstLine(r.frame), r.forwarded()
	for lines := r.frame[r.head.headers : r.head.length-2]; len(lines) > 0; {
		var agent, referer, rest []byte
		agent, rest = cutHeader(lines, "user-agent")
		if referer, lines = cutHeader(lines, "referer"); referer != nil {
			a.Referer = referer
		}
		if agent != nil {
			a.Agent, lines = agent, rest
		}
	}
}

// logRefused notes what was no request, or too much of one.
func (e *exchange) logRefused(buf []byte, err error) {
	var r *protocol.Reject
	if e.access == nil || !errors.As(err, &r) {
		return
	}
	status, _ := readAnswer(r.Reply)
	_, body, _ := bytes.Cut(r.Reply, []byte("\r\n\r\n"))
	line := firstLine(buf)
	line = line[:min(len(line), maxRefused)]
	e.access.Add(protocol.Answer{Request: line, Status: status, Bytes: int64(len(body))})
}

// logFailure notes the 500 of a callback that has panicked, or of an answer that
// could not be made.
func (e *exchange) logFailure() {
	if e.access == nil || !e.asked || e.logged {
		return
	}
	a := protocol.Answer{Status: http.StatusInternalServerError, Bytes: int64(len(failure))}
	if e.due&noBody != 0 {
		a.Bytes = 0
	}
	e.describe(&a)
	e.access.Add(a)
}

func firstLine(buf []byte) []byte {
	line, _, _ := bytes.Cut(buf, crlf)
	return line
}

// readAnswer reads the head of an answer of our own: its status, 0 when it is
// none, and the length of the body, -1 when the head does not tell.
func readAnswer(out []byte) (status int, length int64) {
	const version = "HTTP/1.1 "
	if len(out) < len(version)+3 || string(out[:len(version)]) != version {
		return 0, -1
	}
	status, _ = strconv.Atoi(string(out[len(version) : len(version)+3]))
	_, lines, _ := bytes.Cut(out, crlf)
	for len(lines) > 0 && !bytes.HasPrefix(lines, crlf) {
		var value []byte
		if value, lines = cutHeader(lines, "content-length"); value != nil {
			length, err := strconv.ParseInt(string(value), 10, 64)
			if err != nil {
				return status, -1
			}
			return status, length
		}
	}
	return status, -1
}
