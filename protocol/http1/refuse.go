package http1

import (
	"bytes"
	"strconv"

	"github.com/workerman-go/wm/protocol"
)

// The replies of features.md 25.16. Each says why in its body, for the person
// who looks at it with curl.
var (
	badRequest  = bad("not a request")
	badStart    = bad("no request, or an unknown method")
	badLine     = bad("malformed request line")
	badMethod   = bad("unknown method")
	badTarget   = bad("malformed request target")
	badVersion  = bad("HTTP version other than 1.0 to 1.9")
	badLineEnd  = bad("line that does not end in CR LF")
	badHeader   = bad("malformed header line")
	badHost     = bad("malformed Host")
	manyHosts   = bad("more than one Host")
	noHost      = bad("no Host")
	otherHost   = bad("Host other than that of the request target")
	badLength   = bad("malformed or repeated Content-Length")
	badEncoding = bad("Transfer-Encoding other than a single chunked")
	twoLengths  = bad("Transfer-Encoding with Content-Length or HTTP/1.0")
	badChunk    = bad("malformed chunk")
	badTrailer  = bad("malformed trailer line")
	badForm     = bad("malformed multipart form")

	tooLarge       = reject("413 Payload Too Large", "request above the maximum package size")
	fieldsTooLarge = reject("413 Payload Too Large", "fields of a form above MaxUploadMemory")
	headTooBig     = reject("431 Request Header Fields Too Large", "headers of more than 16 KiB")
	tooSlow        = reject("408 Request Timeout", "request that did not arrive in time")
)

func bad(why string) error { return reject("400 Bad Request", why) }

// reject is the error that answers with status and ends the connection.
func reject(status, why string) error {
	return &protocol.Reject{Reply: closing(status, why+"\n"), Why: "http: " + why}
}

// refuse notes what ends the connection, deletes what was collected of it, and
// returns the error that answers. buf begins with the request unless its body is
// being collected.
func (e *exchange) refuse(buf []byte, err error) error {
	if k := e.collector; k != nil {
		buf = k.frame
		e.discard()
	}
	err = e.refused(err)
	e.logRefused(buf, err)
	return err
}

// refused adds to err what only the moment tells: the Date, which RFC 9110
// section 6.6.1 wants here, and that the answer to HEAD has no body.
func (e *exchange) refused(err error) error {
	r, ok := err.(*protocol.Reject)
	if !ok {
		return err
	}
	reply := dated(r.Reply, e.head.method == methodHead)
	return &protocol.Reject{Reply: reply, Why: r.Why}
}

// failure is the body of the 500 that says no more: the reason is in the log, and
// not for strangers.
const failure = "the server failed\n"

// internalError answers the request that waits.
func (e *exchange) internalError() []byte {
	return dated(closing("500 Internal Server Error", failure), e.due&noBody != 0)
}

// closing is an answer that ends the connection, but for its Date.
func closing(status, body string) []byte {
	return []byte("HTTP/1.1 " + status + "\r\nConnection: close\r\n" +
		"Content-Type: text/plain;charset=utf-8\r\n" +
		"Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
}

// dated is reply with a Date, without its body when only the head is wanted.
func dated(reply []byte, headOnly bool) []byte {
	line, rest, _ := bytes.Cut(reply, crlf)
	if headOnly {
		end := bytes.Index(rest, blankLine)
		rest = rest[:end+len(blankLine)]
	}
	return append(appendDate(append(bytes.Clone(line), crlf...)), rest...)
}

var blankLine = []byte("\r\n\r\n")
