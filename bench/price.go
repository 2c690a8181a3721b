package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// prices are rows without a bar: what it costs to have the hello of http
// served by net/http, noted in a log, or with a session. The process writes a
// log and sessions below a directory of the run.
func prices() []row {
	plain, plainLarge := echoName("http", 1), echoName("http", largeWindow)
	return []row{
		priceRow("handler", 1, "Handler (net/http), 1 in flight", plain),
		priceRow("handler", largeWindow, "Handler (net/http), 16 in flight", plainLarge),
		priceRow("accesslog", largeWindow, "http with access log, 16 in flight", plainLarge),
		priceRow("session", 1, "http with a file session, 1 in flight", plain),
	}
}

// priceRow is an echoRow that tells how much more it costs than another row.
func priceRow(kind string, inFlight int, name, plain string) row {
	r := echoRow(kind, inFlight)
	r.name, r.tell = name, dearerThan(plain)
	if kind == "accesslog" {
		r.measure = emptied(r.measure)
	}
	return r
}

// emptied empties the log behind each round: one of three seconds may write
// half a gigabyte.
func emptied(measure func(*lab) (sample, error)) func(*lab) (sample, error) {
	return func(l *lab) (sample, error) {
		s, err := measure(l)
		return s, errors.Join(err, os.Truncate(filepath.Join(l.server.dir, "access.log"), 0))
	}
}

// dearerThan tells the difference in processor time, when both were measured.
func dearerThan(other string) func(figures, map[string]figures) string {
	return func(f figures, all map[string]figures) string {
		o, measured := all[other]
		if !measured {
			return ""
		}
		return fmt.Sprintf("user %+.2f, sys %+.2f to %s", f.user-o.user, f.system-o.system, other)
	}
}
