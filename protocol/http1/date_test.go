package http1

import (
	"math"
	"net/http"
	"testing"
	"time"
)

func TestAppendTimeIsTheFormatOfHTTP(t *testing.T) {
	zone := time.FixedZone("", 5*60*60)
	tests := []time.Time{
		{}, time.Unix(0, 0), time.Date(2026, 11, 8, 4, 5, 9, 999, zone),
		time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Unix(math.MaxInt32<<8, 0),
	}
	for i := range 366 {
		tests = append(tests, time.Unix(int64(i)*100_003, 0))
	}
	for _, tt := range tests {
		want := tt.UTC().Format(http.TimeFormat)
		if got := string(appendTime(nil, tt)); got != want {
			t.Errorf("%v: %q, want %q", tt, got, want)
		}
	}
}

func BenchmarkAppendTime(b *testing.B) {
	now, room := time.Now(), make([]byte, 0, 64)
	b.Run("own", func(b *testing.B) {
		for b.Loop() {
			appendTime(room, now)
		}
	})
	b.Run("format", func(b *testing.B) {
		for b.Loop() {
			now.UTC().AppendFormat(room, http.TimeFormat)
		}
	})
}
