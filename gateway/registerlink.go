package gateway

// announce tells each Register, for as long as the process lives, that address is a
// Gateway. Called on the loop goroutine.
func announce(registers []string, secret, address string) {}

// follow calls changed with the addresses of all Gateways whenever a Register
// names others. What a Register that is gone said last still counts. Called on the
// loop goroutine, and so is changed.
func follow(registers []string, secret string, changed func(gateways []string)) {}
