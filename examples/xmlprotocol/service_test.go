package xmlprotocol

import (
	"testing"

	"github.com/workerman-go/wm/examples/servicetest"
)

func TestService(t *testing.T) {
	s := servicetest.Start(t, "127.0.0.1:1236")
	const reply = "<response><result>getInfo of user done</result></response>"
	s.WantClient(reply+"\n", "user", "getInfo")

	conn := s.Dial()
	conn.Write([]byte(sample))
	servicetest.WantReply(t, conn, "0000000068"+reply)

	for _, lie := range []string{"0000000009", "9999999999", "<request/>"} {
		bad := s.Dial()
		bad.Write([]byte(lie))
		servicetest.WantClosed(t, bad)
	}
}
