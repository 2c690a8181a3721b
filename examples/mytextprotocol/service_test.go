package mytextprotocol

import (
	"testing"

	"github.com/workerman-go/wm/examples/servicetest"
)

func TestService(t *testing.T) {
	conn := servicetest.Start(t, "127.0.0.1:5678").Dial()
	conn.Write([]byte(" tom \r\nann\n"))
	servicetest.WantReply(t, conn, "hello tom\nhello ann\n")
}
