package gateway

// here are the Gateway processes and Registers that live in this process, by the
// address that others know: in a test, where all Workers share one loop, a question
// that blocks the loop would never be answered over a socket. Set and read on the
// loop goroutine.
type here struct {
	gateways  map[string]*process // by inner address, "127.0.0.1:2900"
	registers map[string]string   // real address by the declared one
}
