// Package gateway is the push tier: Gateways hold the clients, BusinessWorkers run
// the code of the author, Registers tell them of each other, and the functions of
// this package send to any client of the cluster from any of its processes. PHP's
// GatewayWorker and GatewayClient may have every one of these parts (spec.md).
// Everything here runs in worker processes, a Client in any Go program.
//
// This is a whole app:
//
//	package chat
//
//	import "github.com/workerman-go/wm/gateway"
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
//		b.OnConnect = func(e *gateway.Event) { gateway.JoinGroup(e.ClientID, "lobby") }
//		b.OnMessage = func(e *gateway.Event, message []byte) {
//			gateway.SendToGroup("lobby", message)
//		}
//	}
//
// # Which goroutine
//
// What a Gateway process knows belongs to its one loop, without locks (process.go). So
// does what a BusinessWorker process knows (dispatch.go), but for the boxes of its
// links, which any goroutine may send to (uplinksend.go). The functions of this
// package, and the methods of Client and Event, may be called by any goroutine.
//
// # The way of a message, and back
//
//	processclient.go  Gateway: a client has sent something
//	process.go        an event of it is put on a link, or held (hold.go)
//	router.go         the link: which BusinessWorker it goes to
//	uplink.go         BusinessWorker: the packet arrives
//	dispatch.go       the author's callback gets it, now or in its turn (queue.go)
//	dispatchseat.go   with the session of its client, which is stored behind it
//
//	api.go, client.go what the author sends, to whom (target.go), or asks
//	uplinksend.go     out over the links of a BusinessWorker
//	query.go          or over own connections: questions, and all that others send
//	inner.go          Gateway: the packet arrives; questions wait (innerorder.go)
//	commands.go       what it does; questions.go and select.go: what it answers
//	clients.go        who is there, their uids and groups (members.go)
//	deliver.go        the message goes out in the protocol of each client
//
// # Who is there
//
//	register.go       Register: registry.go is its process, registerline.go the lines
//	registerlink.go   its connections, of Gateways and BusinessWorkers
//	directory.go      those of a Client
//	link.go           Gateway: its BusinessWorkers
//	uplinktable.go    BusinessWorker: its Gateways
//	keepalive.go      hosts that vanish; heartbeat.go: clients that do
//	leave.go          how a BusinessWorker process ends
//	here.go           Gateways of the same process, in tests
//
// Numbers behind wire.md and features.md, in comments, are the rows of the
// specification that a rule comes from; spec.md has what goes over the wire.
package gateway
