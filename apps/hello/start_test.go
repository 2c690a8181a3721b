package hello

import (
	"testing"

	"github.com/workerman-go/wm/wmtest"
)

func TestOverHTTP(t *testing.T) {
	s := wmtest.Run(t, Start)
	curl := s.Dial("hello-http")
	curl.Send("/")
	curl.Expect("hello world")
}

func TestOverWebSocketAndTCP(t *testing.T) {
	s := wmtest.Run(t, Start)
	for _, name := range []string{"hello-websocket", "hello-tcp"} {
		tom := s.Dial(name)
		tom.Send("Tom")
		tom.Expect("hello Tom")
	}
}
