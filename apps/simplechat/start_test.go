package simplechat

import (
	"testing"

	"github.com/workerman-go/wm/wmtest"
)

func TestEveryLineGoesToEverybody(t *testing.T) {
	s := wmtest.Run(t, Start)
	ann, bob := s.Dial("simplechat"), s.Dial("simplechat")

	ann.Send("hi")
	ann.Expect("user[1] said: hi")
	bob.Expect("user[1] said: hi")

	bob.Send("hello yourself")
	ann.Expect("user[2] said: hello yourself")
	bob.Expect("user[2] said: hello yourself")
}

func TestWhoLeavesIsNotMissed(t *testing.T) {
	s := wmtest.Run(t, Start)
	ann, bob := s.Dial("simplechat"), s.Dial("simplechat")
	ann.Close()
	bob.Send("anybody there?")
	bob.Expect("user[2] said: anybody there?")
}
