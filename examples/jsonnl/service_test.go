package jsonnl

import (
	"testing"

	"github.com/workerman-go/wm/examples/servicetest"
)

func TestService(t *testing.T) {
	s := servicetest.Start(t, "127.0.0.1:1234")
	s.WantClient(`{"type":"reply","content":"you said hello all"}`+"\n", "hello", "all")

	bad := s.Dial()
	bad.Write([]byte("hello\n"))
	servicetest.WantClosed(t, bad)
}
