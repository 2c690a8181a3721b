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

func TestRarelySaysNoMoreThanItCanTellApart(t *testing.T) {
	var r rarely
	now, said := time.Now(), 0
	flood := func() {
		for i := range 10 * rarelyKnown {
			if r.due(strconv.Itoa(i), now) {
				said++
			}
		}
	}
	flood()
	flood()
	if said != rarelyKnown || len(r.last) != rarelyKnown {
		t.Errorf("%d lines, %d things are known", said, len(r.last))
	}
	now = now.Add(rarelyEvery)
	if !r.due("another", now) {
		t.Error("nothing is said any more when the flood is over")
	}
}
