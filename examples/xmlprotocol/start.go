// Package xmlprotocol is the first protocol of the manual's examples: a length
// in digits and XML. Try
//
//	go run ./examples/xmlprotocol/server start
//	go run ./examples/xmlprotocol/client user getInfo
package xmlprotocol

import (
	"encoding/xml"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/worker"
)

// Request is what a client asks: module user, action getInfo.
type Request struct {
	XMLName xml.Name `xml:"request"`
	Module  string   `xml:"module"`
	Action  string   `xml:"action"`
}

// Response is the answer.
type Response struct {
	XMLName xml.Name `xml:"response"`
	Result  string   `xml:"result"`
}

// Start declares a Worker that answers every request.
func Start() {
	protocol.Register("XmlProtocol", Protocol[Request]{})
	w := worker.New("XmlProtocol://127.0.0.1:1236")
	w.Name = "xmlprotocol"
	w.OnValue = worker.Value(func(c *worker.Connection, r Request) {
		c.Send(Response{Result: r.Action + " of " + r.Module + " done"})
	})
}
