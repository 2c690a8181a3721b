// Package load is the client side of the benchmarks: it plays many clients on
// one locked thread with an epoll loop of its own, raw system calls and no
// allocation while it measures.
//
//	window.go     a closed loop: so many messages in flight on each connection;
//	              or an open one: so many messages a second
//	skim.go       long answers, in such a loop
//	short.go      connect, ask once, hear the answer, close, again
//	idle.go       many connections that spoke once and then stay silent
//	talk.go       what the clients say and what they must hear
//	session.go    what those say who have a session each
//	dial.go       how they connect
//	link.go       in the clear or over TLS
//	histogram.go  latencies
//
// Every byte that comes back is compared with what must come back; a wrong,
// missing or additional byte ends the run with an error, so that a figure can
// only come from a server that answered everything. Of a long body only the
// length is, but for the first one.
package load
