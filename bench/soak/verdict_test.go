package main

import (
	"strings"
	"testing"
)

func TestWhatGrowsIsALeak(t *testing.T) {
	begin := figures{name: "text/0", descriptors: 11, goroutines: 5, objects: 1200,
		heap: 1 << 20, private: 4 << 20, timers: 1}
	for _, c := range []struct {
		name string
		grow func(f *figures)
		want string
	}{
		{"nothing", func(*figures) {}, ""},
		{"less", func(f *figures) { f.descriptors, f.private = 9, 0 }, ""},
		{"more work done", func(f *figures) { f.requests = 1000 }, ""},
		{"a descriptor", func(f *figures) { f.descriptors++ }, "descriptors +1"},
		{"a goroutine", func(f *figures) { f.goroutines++ }, "goroutines +1"},
		{"a timer", func(f *figures) { f.timers++ }, "timers +1"},
		{"some objects", func(f *figures) { f.objects += objectSlack }, ""},
		{"many objects", func(f *figures) { f.objects += objectSlack + 1 }, "objects +501"},
		{"kept buffers", func(f *figures) { f.heap += heapSlack }, ""},
		{"much memory", func(f *figures) { f.private += privateSlack + 1 }, "private +12582913"},
	} {
		end := begin
		c.grow(&end)
		if got := strings.Join((row{begin: begin, end: end}).leaks(), ", "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestOnlyProcessesOfBothMomentsAreCompared(t *testing.T) {
	rows := compare("half time", map[int]figures{1: {name: "b"}, 2: {name: "a"}, 3: {name: "c"}},
		map[int]figures{1: {}, 2: {}, 4: {}})
	if len(rows) != 2 || rows[0].pid != 2 || rows[1].pid != 1 {
		t.Errorf("rows %v", rows)
	}
}
