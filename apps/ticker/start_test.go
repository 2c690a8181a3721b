package ticker

import (
	"testing"
	"time"

	"github.com/workerman-go/wm/wmtest"
)

func TestTicksOnceAMinute(t *testing.T) {
	s := wmtest.Run(t, Start)
	s.Advance(2 * time.Minute)
	s.ExpectLog("another minute has passed")
	s.ExpectLog("another minute has passed")
}
