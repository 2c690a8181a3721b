package eventloop

import (
	"bytes"
	"runtime"
	"strconv"
)

// Owned reports whether the caller is the goroutine in Run. It reads a stack
// trace, about a microsecond: for debug checks only. Any goroutine.
func (l *Loop) Owned() bool {
	owner := l.owner.Load()
	return owner != 0 && owner == goroutineID()
}

// CheckOwner switches the check of ownership: when it is on, calls of the
// author's part and of timers from another goroutine than the one in Run panic
// with a sentence that says what to do instead. It is off, except in a program
// built with -race. Called before Run.
func (l *Loop) CheckOwner(on bool) { l.checked = on }

// check panics when the caller is a stranger. Outside Run there is no owner yet
// and everything is allowed.
func (l *Loop) check(call string) {
	if l.checked && l.owner.Load() != 0 && !l.Owned() {
		panic("eventloop: " + call + " was called outside the event loop: " +
			"use worker.Post, Connection.Post or worker.Go")
	}
}

// goroutineID reads the number from "goroutine 7 [running]:"; there is no other
// way to it.
func goroutineID() uint64 {
	var buf [64]byte
	trace := buf[:runtime.Stack(buf[:], false)]
	fields := bytes.Fields(trace)
	if len(fields) < 2 {
		return 0
	}
	id, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return id
}
