// Package store keeps things for the processes of a service in servers outside
// of it. It knows nothing of Workers: what it offers has the shape that others
// ask for. Here are sessions in Redis.
//
//	func Start() {
//		http1.Sessions.Handler = store.NewRedisSessions("127.0.0.1:6379")
//		...
//	}
package store
