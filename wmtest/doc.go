// Package wmtest runs an app inside a Go test: all Workers of its Start in one
// process on one event loop, on free ports, with clients that expect and a time
// that can be moved on.
//
// This is an app that greets, and hangs up on who is silent for a minute:
//
//	package greeter
//
//	func Start() {
//		w := worker.New("text://0.0.0.0:2350")
//		w.Name = "greeter"
//		w.OnConnect = func(c *worker.Connection) {
//			timer.After(time.Minute, func() {
//				if c.BytesRead == 0 {
//					c.Close("goodbye")
//				}
//			})
//		}
//		w.OnMessage = func(c *worker.Connection, name []byte) {
//			c.Send("hello " + string(name))
//		}
//	}
//
// and this is its test, beside it in greeter_test.go:
//
//	package greeter
//
//	func TestGreets(t *testing.T) {
//		s := wmtest.Run(t, Start)
//		tom := s.Dial("greeter")
//		tom.Send("Tom")
//		tom.Expect("hello Tom")
//	}
//
//	func TestHangsUpOnTheSilent(t *testing.T) {
//		s := wmtest.Run(t, Start)
//		tom, silent := s.Dial("greeter"), s.Dial("greeter")
//		tom.Send("Tom")
//		s.Advance(time.Minute)
//		silent.Expect("goodbye")
//		silent.ExpectClose()
//		tom.Expect("hello Tom")
//	}
//
// Nothing here sleeps: what should come is waited for, 10 s at most, and a
// failure says what came instead. What this package has no words for is done
// with Addr and any client library, or with Do on the loop.
//
// The tests see the app as a service does, with these differences: there is no
// master, so nobody reloads, and nothing follows a process that ends; Workers
// share one process, one loop, and their worker.Self, which is the first of
// them; each runs once, as slot 0; and timers that Start adds run once, not in a
// process of each Worker. An app that dials another one of its Workers
// by a fixed port does not find it there: let it ask Worker.Addr.
package wmtest
