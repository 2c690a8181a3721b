// Package worker is the author's API: Workers, their connections, and what an
// app may ask of the process it runs in. Everything here runs in a worker
// process, never in the master.
//
// An app is a package whose Start declares Workers. This one is a whole chat
// room:
//
//	package chat
//
//	import (
//		"fmt"
//
//		"github.com/workerman-go/wm/worker"
//	)
//
//	func Start() {
//		room := worker.New("text://127.0.0.1:2348")
//		room.Name = "chat"
//		room.OnConnect = func(c *worker.Connection) {
//			room.Broadcast(fmt.Sprintf("user[%d] came", c.ID))
//		}
//		room.OnMessage = func(c *worker.Connection, data []byte) {
//			room.Broadcast(fmt.Sprintf("user[%d] said: %s", c.ID, data))
//		}
//		room.OnClose = func(c *worker.Connection) {
//			room.Broadcast(fmt.Sprintf("user[%d] left", c.ID))
//		}
//	}
//
// # One loop
//
// Each process has one event loop on one goroutine. All callbacks, timers and
// posted functions of the process run there one after another, so an app uses
// plain maps and needs no locks, and a callback that blocks stops everything.
// Work that takes long goes to Go, which brings the result back to the loop.
// From other goroutines only Post, Connection.Post, Go, Log and Logger may be
// called; in debug mode and under -race everything else panics there.
//
// # The way of a message
//
//	accept.go   the loop says that clients wait; up to 16 are taken
//	read.go     up to 64 KiB are read into the loop's scratch buffer
//	rest.go     what is too much for one turn waits for the next
//	owe.go      one message after another where each is owed an answer
//	await.go    a protocol that does something that blocks
//	body.go     what is sent from a file
//	callback.go the protocol cuts off a message, the author's callback gets it
//	send.go     what it sends is encoded into the send buffer of its connection
//	flush.go    at the end of the turn each connection writes once, with 8 KiB at once
//	close.go    one place where connections end
//
//	patience.go peers that begin a request and do not go on
//	stalled.go  peers that take nothing of their answer
//
// What a Worker.Handler serves leaves the loop: handler.go begins it,
// handlerconn.go is the socket, handlerqueue.go the listener of the http.Server,
// responder.go the answer. accesslog.go writes what was answered.
//
// What comes before the first message (PROXY headers, proxies, TLS, handshakes)
// is in opening.go. dial.go begins connections from this side, secure.go stands
// between a connection and its TLS, udp.go has connections of datagrams.
//
// A connection has a receive buffer only while a message is incomplete and a
// send buffer only while bytes wait. Pending bytes have not been offered to the
// kernel yet; backlog is what it refused. Only backlog counts against
// MaxSendBufferSize.
//
// # The life of a process
//
// Declare, New and Declaration serve the probe, which tells the master what to
// start. NewProcess, Env and the methods of Process are the door for the
// harness (package child, and the test kit) that carries a Worker through its
// life: Serve, Leave, Drain.
package worker
