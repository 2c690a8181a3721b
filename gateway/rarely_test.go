package gateway

import (
	"strconv"
	"testing"
	"time"
)

func TestRarelyIsOnceAMinuteForEachThing(t *testing.T) {
	var r rarely
	now := time.Now()
	for _, c := range []struct {
		what  string
		after time.Duration
		want  bool
	}{
		{"a", 0, true}, {"a", 0, false}, {"b", 0, true}, {"a", 59 * time.Second, false},
		{"a", time.Minute, true}, {"a", 61 * time.Second, false}, {"b", 61 * time.Second, true},
	} {
		if got := r.due(c.what, now.Add(c.after)); got != c.want {
			t.Errorf("%s after %v: %v, want %v", c.what, c.after, got, c.want)
		}
	}
}

func TestRarelyForgetsRatherThanGrow(t *testing.T) {
	var r rarely
	for i := range 10 * rarelyKnown {
		r.due(strconv.Itoa(i), time.Now())
	}
	if len(r.last) > rarelyKnown {
		t.Errorf("%d things are known", len(r.last))
	}
}
