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

// appendTime is AppendFormat with http.TimeFormat, which takes three times as long.
func appendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(dst, http.TimeFormat)
	}
	hour, minute, second := t.Clock()
	dst = append(dst, t.Weekday().String()[:3]...)
	dst = appendPair(append(dst, ", "...), day)
	dst = append(append(append(dst, ' '), month.String()[:3]...), ' ')
	dst = appendPair(appendPair(dst, year/100), year%100)
	dst = appendPair(append(dst, ' '), hour)
	dst = appendPair(append(dst, ':'), minute)
	dst = appendPair(append(dst, ':'), second)
	return append(dst, " GMT"...)
}

// appendPair appends two digits.
func appendPair(dst []byte, n int) []byte {
	return append(dst, '0'+byte(n/10), '0'+byte(n%10))
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
