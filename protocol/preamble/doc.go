// Package preamble is what comes on a connection before its protocol: the
// header in which a load balancer says who the client is, and what is said to a
// proxy until it has opened the way to the target.
//
//	accepted:  [PROXY header]            [TLS] protocol
//	dialled:   [SOCKS5 or HTTP CONNECT]  [TLS] protocol
//
// Each is a byte machine without a socket: it is given what has come, and says
// what to drop, what to send and when it is over. A value belongs to one
// connection and runs in the worker process, on the goroutine of its loop.
package preamble
