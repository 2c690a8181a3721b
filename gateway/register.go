package gateway

import "github.com/workerman-go/wm/worker"

// Register is a Worker that tells BusinessWorkers where the Gateways are.
type Register struct {
	*worker.Worker

	SecretKey string
}

// NewRegister declares a Register.
func NewRegister(address string) *Register {
	return &Register{Worker: worker.New(address)}
}
