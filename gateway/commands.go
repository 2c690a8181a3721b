package gateway

import "github.com/workerman-go/wm/gateway/wire"

// execute does what an authorised peer asks for. reply sends the serialised answer
// of a question; it is called once for these, before execute returns, and never
// for what has no answer.
func (p *process) execute(pk wire.Packet, reply func(value []byte)) {}
