package protocol

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

type (
	named   string
	level   uint8
	pointed struct{ X, Y int }
)

func TestAppendText(t *testing.T) {
	var none *pointed
	tests := []struct {
		name string
		v    any
		want string
	}{
		{"string", "héllo\n", "héllo\n"},
		{"bytes", []byte{0, 0xff}, "\x00\xff"},
		{"named string", named("x"), "x"},
		{"int", -12, "-12"},
		{"int64", int64(math.MinInt64), "-9223372036854775808"},
		{"uint64", uint64(math.MaxUint64), "18446744073709551615"},
		{"named integer", level(7), "7"},
		{"duration", time.Second, "1000000000"},
		{"true", true, "1"},
		{"false", false, ""},
		{"nil", nil, "null"},
		{"nil pointer", none, "null"},
		{"struct", pointed{1, 2}, `{"X":1,"Y":2}`},
		{"pointer", &pointed{1, 2}, `{"X":1,"Y":2}`},
		{"map", map[string]any{"b": 1, "a": "é<&>/"}, `{"a":"é<&>/","b":1}`},
		{"slice", []string{"a", "b"}, `["a","b"]`},
		{"raw json", json.RawMessage(`{"a":1}`), `{"a":1}`},
		{"marshaller", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), `"2026-01-02T03:04:05Z"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := AppendText([]byte("> "), tt.v)
			if err != nil || string(got) != "> "+tt.want {
				t.Errorf("AppendText = %q, %v, want %q", got, err, "> "+tt.want)
			}
		})
	}
}

// PHP prints with precision=14 and its own rule for the exponent.
func TestAppendFloatAsPHP(t *testing.T) {
	tests := []struct {
		f    float64
		want string
	}{
		{0, "0"},
		{math.Copysign(0, -1), "-0"},
		{1, "1"},
		{-1.5, "-1.5"},
		{10, "10"},
		{1200, "1200"},
		{0.1 + 0.2, "0.3"},
		{1.0 / 3, "0.33333333333333"},
		{200.0 / 3, "66.666666666667"},
		{0.001, "0.001"},
		{0.0001, "0.0001"},
		{0.00001, "1.0E-5"},
		{0.0000123, "1.23E-5"},
		{12345678901234, "12345678901234"},
		{99999999999999, "99999999999999"},
		{1e14, "1.0E+14"},
		{-1e25, "-1.0E+25"},
		{1234567890123456, "1.2345678901235E+15"},
		{1.5e300, "1.5E+300"},
		{5e-324, "4.9406564584125E-324"},
		{math.Inf(1), "INF"},
		{math.Inf(-1), "-INF"},
		{math.NaN(), "NAN"},
	}
	for _, tt := range tests {
		got, err := AppendText(nil, tt.f)
		if err != nil || string(got) != tt.want {
			t.Errorf("AppendText(%g) = %q, %v, want %q", tt.f, got, err, tt.want)
		}
	}
	if got, _ := AppendText(nil, float32(0.1)); string(got) != "0.1" {
		t.Errorf("AppendText(float32(0.1)) = %q, want 0.1", got)
	}
}

func TestAppendTextRefuses(t *testing.T) {
	tests := []struct {
		name string
		v    any
	}{
		{"error", errors.New("boom")},
		{"channel", make(chan int)},
		{"function", func() {}},
		{"channel inside", map[string]any{"c": make(chan int)}},
		{"complex", 1i},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := AppendText([]byte("kept"), tt.v)
			if err == nil || !strings.Contains(err.Error(), "cannot be sent") {
				t.Errorf("AppendText = %q, %v, want an error", got, err)
			}
			if string(got) != "kept" {
				t.Errorf("AppendText left %q, want what was there", got)
			}
		})
	}
}

func BenchmarkAppendText(b *testing.B) {
	for name, v := range map[string]any{"string": "hello", "int": 1 << 20, "float": 1.25} {
		b.Run(name, func(b *testing.B) {
			buf := make([]byte, 0, 64)
			b.ReportAllocs()
			for b.Loop() {
				buf, _ = AppendText(buf[:0], v)
			}
		})
	}
}
