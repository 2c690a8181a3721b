package statusfmt

import (
	"testing"
	"time"
)

func TestMemoryHasTwoDecimals(t *testing.T) {
	tests := []struct {
		bytes int64
		want  string
	}{
		{0, "0.00M"}, {2254438, "2.15M"}, {1 << 20, "1.00M"}, {5 << 30, "5120.00M"}, {-1, "-"},
	}
	for _, tt := range tests {
		if got := memory(tt.bytes); got != tt.want {
			t.Errorf("memory(%d) = %q, want %q", tt.bytes, got, tt.want)
		}
	}
}

func TestSizeTakesTheLargestUnit(t *testing.T) {
	tests := []struct {
		bytes uint64
		want  string
	}{
		{0, "0B"}, {1023, "1023B"}, {1024, "1.0KB"}, {1536, "1.5KB"},
		{1<<20 - 1, "1.0MB"}, {1 << 20, "1.0MB"}, {3 << 30, "3.0GB"},
		{1 << 40, "1.0TB"}, {5000 << 40, "5000.0TB"}, {1<<64 - 1, "16777216.0TB"},
	}
	for _, tt := range tests {
		if got := size(tt.bytes); got != tt.want {
			t.Errorf("size(%d) = %q, want %q", tt.bytes, got, tt.want)
		}
	}
}

func TestDurations(t *testing.T) {
	tests := []struct {
		show func(time.Duration) string
		d    time.Duration
		want string
	}{
		{uptime, -time.Hour, "0 days 0 hours"},
		{uptime, 59 * time.Minute, "0 days 0 hours"},
		{uptime, 86*24*time.Hour + 22*time.Hour + 59*time.Minute, "86 days 22 hours"},
		{since, 0, "0.0s"},
		{since, 3249 * time.Millisecond, "3.2s"},
		{since, 75400 * time.Millisecond, "1m15s"},
		{since, 3 * time.Hour, "3h0m0s"},
		{until, -time.Second, "0s"},
		{until, 0, "0s"},
		{until, time.Millisecond, "1s"},
		{until, 7 * time.Second, "7s"},
		{until, 90 * time.Second, "1m30s"},
	}
	for _, tt := range tests {
		if got := tt.show(tt.d); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.d, got, tt.want)
		}
	}
}

func TestCleanLeavesNothingThatMovesTheCursor(t *testing.T) {
	tests := []struct{ in, want string }{
		{"chat", "chat"},
		{"聊天室", "聊天室"},
		{"a\tb\r\nc", "a b  c"},
		{"\x1b[2J\x07", "?[2J?"},
		{"abc\u202edef\u200b", "abcdef"},
		{"\u0085x", "?x"},
	}
	for _, tt := range tests {
		if got := clean(tt.in); got != tt.want {
			t.Errorf("clean(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestShortenCountsColumns(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"exactly14chars", "exactly14chars"},
		{"exactly15chars_", "exactly15cha.."},
		{"七个汉字正好宽", "七个汉字正好宽"},
		{"八个汉字就太宽了", "八个汉字就太.."},
		{"a八个汉字就太宽了", "a八个汉字就.."},
	}
	for _, tt := range tests {
		got := shorten(tt.in, 14)
		if got != tt.want {
			t.Errorf("shorten(%q) = %q, want %q", tt.in, got, tt.want)
		}
		if n := display(got); n > 14 {
			t.Errorf("shorten(%q) takes %d columns", tt.in, n)
		}
	}
}
