package gateway

import (
	"testing"

	"github.com/workerman-go/wm/gateway/wire"
)

func TestGatewayHandsMessagesOnAndAnswersBack(t *testing.T) {
	s := linkServe(t, nil)
	l := s.link("BW:0")
	c := s.Dial("Gateway")
	id := l.expect(wire.OnConnect, "").ConnectionID
	c.Send("hello")
	l.expect(wire.OnMessage, "hello")
	l.send(linkSendTo(id, "hello yourself"))
	c.Expect("hello yourself")
	c.Close()
	l.expect(wire.OnClose, "")
}
