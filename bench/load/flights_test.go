package load

import (
	"testing"
	"time"
)

func TestAnswersBelongToTheOldestRequests(t *testing.T) {
	f := make(flights, 0, 3)
	var h Histogram
	f.start(3, 10)
	f.start(2, 20)
	if !f.land(4, 25, &h) || h.Count() != 4 {
		t.Fatalf("%d answers taken, want 4", h.Count())
	}
	if h.Quantile(0.75) != 15 || h.Quantile(0) != 5 {
		t.Errorf("latencies %v and %v, want 15 and 5", h.Quantile(0.75), h.Quantile(0))
	}
	f.start(1, 30)
	if !f.land(2, 31, &h) || len(f) != 0 {
		t.Errorf("%d flights left", len(f))
	}
	if f.land(1, 40, &h) {
		t.Error("an answer without a request was taken")
	}
}

func TestFlightsDoNotAllocate(t *testing.T) {
	f := make(flights, 0, 16)
	var h Histogram
	f.start(16, 0)
	allocs := testing.AllocsPerRun(100, func() {
		for n := 1; n < 6; n++ {
			f.land(n, time.Second, &h)
			f.start(n, time.Second)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
