package http1

import (
	"net/http"
	"sync/atomic"
	"time"
)

// date is the Date line of this second, or nil. It is shared by all loops of
// the process.
var date atomic.Pointer[[]byte]

// appendDate appends the Date header (trap T64), formatted once per second.
func appendDate(dst []byte) []byte {
	line := date.Load()
	if line == nil {
		line = renewDate()
	}
	return append(dst, *line...)
}

// renewDate formats the time and forgets it at the next full second, so that a
// process that is idle has no timer.
func renewDate() *[]byte {
	now := time.Now()
	line := now.UTC().AppendFormat([]byte("Date: "), http.TimeFormat+"\r\n")
	date.Store(&line)
	rest := time.Second - time.Duration(now.Nanosecond())
	time.AfterFunc(rest, func() { date.CompareAndSwap(&line, nil) })
	return &line
}
