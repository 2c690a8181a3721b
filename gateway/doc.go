// Package gateway is the push tier: Gateways hold the clients, BusinessWorkers run
// the code of the author, Registers tell them of each other, and the functions of
// this package send to any client of the cluster from any of its processes. PHP's
// GatewayWorker and GatewayClient may have every one of these parts.
//
// This is a whole app, a chat in which everybody hears everybody:
//
//	package chat
//
//	import (
//		"fmt"
//
//		"github.com/workerman-go/wm/gateway"
//	)
//
//	func StartRegister() { gateway.NewRegister("text://127.0.0.1:1236") }
//
//	func StartGateway() {
//		g := gateway.New("websocket://0.0.0.0:7272")
//		g.Name, g.Count = "ChatGateway", 2
//		g.StartPort = 2900 // the inner ports: 2900 and 2901
//	}
//
//	func StartBusinessWorker() {
//		b := gateway.NewBusinessWorker()
//		b.Name, b.Count = "ChatBusinessWorker", 4
//		b.OnConnect = func(e *gateway.Event) { e.Session.Set("name", "guest of "+e.Server.RemoteAddr) }
//		b.OnMessage = func(e *gateway.Event, message []byte) {
//			gateway.SendToAll(fmt.Sprintf("%s: %s", e.Session.String("name"), message))
//		}
//	}
//
// # The model
//
//	client ──message──> Gateway   ──event───> BusinessWorker ──> OnMessage
//	client <──message── process   <─command── process        <── Send, SendToAll ...
//	                      │  ^                   │     │
//	                      │  └─question, answer──┘     │ by a connection of its own
//	                      └──address──> Register <─────┘ where are the Gateways?
//
// All that a Gateway process knows lives on its loop: its clients by number, uid
// and group, a session for each, which it stores and does not read, and its links.
// A link is the connection of a BusinessWorker process, which dials every Gateway
// process that a Register names. A client is bound to one link with its first event
// and keeps it for as long as the link lives, so its events come in order. What
// cannot go out, because there is no link or it takes nothing, is held, bounded.
//
// Commands (send, close, bind, join, store a session) go the other way, and have no
// answer. Questions have one: they go over connections of their own, those of a
// Client, behind what was sent before. A Client outside of a BusinessWorker sends its
// commands over these connections too. So nothing passes through a Register but
// addresses, and without one all goes on but for who comes new.
//
// docs/gateway.md is for who runs a cluster, spec.md has the bytes.
//
// # Where to look
//
// What a Gateway process does for its clients:
//
//	gateway.go          what the author sets (gatewaycheck.go: what start refuses)
//	process.go          all that the process knows, how it begins and ends, an event out
//	processclient.go    what happens to client connections, and who is told of it
//	handshake.go        the upgrade request of a websocket as BusinessWorkers get it
//	router.go           which BusinessWorker a client is bound to
//	hold.go             what waits for a BusinessWorker, and who is closed instead
//	takeback.go         what a BusinessWorker that leaves gives back
//	heartbeat.go        who is pinged, and who is cut off
//
// and for its inner connections:
//
//	inner.go            who may speak, and what becomes of a packet
//	link.go             BusinessWorkers come, replace each other, drain and go
//	commands.go         what each command does
//	questions.go        what each question is answered with (select.go: one of them)
//	innerorder.go       a question waits for what its host has sent before
//	deliver.go          one message on its way to any number of clients
//	clients.go          the clients by number (members.go: by uid and group)
//	chain.go            a list that keeps its order whoever leaves it
//
// What a BusinessWorker process does:
//
//	businessworker.go   what the author sets
//	uplinktable.go      its links: to every Gateway that is named
//	uplink.go           one of them, over all its lives
//	uplinksend.go       from any goroutine to a link (uplinkpackets.go: what comes back)
//	dispatch.go         from a packet to a callback (dispatchvalue.go: of no bytes)
//	dispatchseat.go     which session an event sees, and how it is stored
//	queue.go            Concurrency above 1
//	event.go            what a callback gets (eventcontext.go: Event.Context)
//	face.go             what an event says of its client, kept for the next one
//	session.go          Event.Session
//	leave.go            how it ends without losing an event (leaveaside.go: its last words)
//	leaveback.go        what it has not begun goes back to a Gateway of wm
//	leavephp.go         how it ends a link to a Gateway of PHP
//
// The Register:
//
//	register.go         what the author sets
//	registry.go         who is there, and who is told
//	registerline.go     the lines of JSON
//	registerlink.go     the other end: Gateways and BusinessWorkers at their Registers
//
// A Client, and the functions of the package:
//
//	client.go           what it is, and when it connects and rests
//	api.go              the package functions that send (apiquestion.go: that ask)
//	target.go           who gets a message
//	clientcommand.go    close, bind, join, sessions
//	clientquestion.go   what is asked about one client
//	clientlist.go       what is asked of all Gateways (clientselect.go: Select)
//	batch.go            many names in one question, and Gateways too old for that
//	clientcall.go       one call while it runs
//	directory.go        where the Gateways are
//	query.go            its connection to one Gateway (querystream.go: one life of it)
//	barrier.go          how a question to a PHP Gateway comes behind what was sent
//	queryroute.go       the ways to a Gateway: connection, link, or none
//	errors.go           what a call can fail with
//
// For all of them: secret.go compares and demands secrets, keepalive.go finds hosts
// that have vanished, rarely.go keeps the log short, distinct.go makes lists without
// repetitions, and here.go finds the Gateways that live in the same process, as in
// tests.
package gateway
