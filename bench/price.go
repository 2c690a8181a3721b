package main

import "fmt"

// prices are rows without a bar: what it costs to have the hello of http
// served by net/http, noted in a log, or with a session. The process writes a
// log and sessions below a directory of the run.
func prices() []row {
	plain, plainLarge := echoName("http", 1), echoName("http", largeWindow)
	return []row{
		priceRow("handler", 1, "Handler (net/http), 1 in flight", plain),
		priceRow("handler", largeWindow, "Handler (net/http), 16 in flight", plainLarge),
		priceRow("session", 1, "http with a file session, 1 in flight", plain),
	}
}

// priceRow is an echoRow that tells how much more it costs than another row.
func priceRow(kind string, inFlight int, name, plain string) row {
	r := echoRow(kind, inFlight)
	r.name, r.tell = name, dearerThan(plain)
	return r
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
