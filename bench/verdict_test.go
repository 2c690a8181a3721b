package main

import (
	"testing"
	"time"

	"github.com/workerman-go/wm/bench/load"
)

func TestVerdicts(t *testing.T) {
	all := map[string]figures{"floor": {median: 1000, system: 5}}
	for _, c := range []struct {
		bar  bar
		f    figures
		want string
	}{
		{rateAtLeast(1_500_000), figures{median: 1_500_000}, ">= 1,500,000/s ok"},
		{rateAtLeast(1_500_000), figures{best: 2e6, median: 1_499_999}, ">= 1,500,000/s BELOW"},
		{shareOf(0.7, "floor"), figures{median: 700}, ">= 0.7 of floor ok (0.70)"},
		{shareOf(0.7, "floor"), figures{median: 690}, ">= 0.7 of floor BELOW (0.69)"},
		{shareOf(0.7, "missing"), figures{median: 690}, ">= 0.7 of floor BELOW (0.00)"},
		{capacityOf(0.5, "floor"), figures{user: 4, system: 6}, ">= 0.5 of floor ok (0.50)"},
		{capacityOf(0.5, "floor"), figures{user: 5, system: 6}, ">= 0.5 of floor BELOW (0.45)"},
		{handshakesAtLeast(0.9, 200), figures{handshakes: 180}, "200 handshakes/s ok (180)"},
		{handshakesAtLeast(0.9, 200), figures{handshakes: 179}, "200 handshakes/s BELOW (179)"},
		{userAtMost(0.6), figures{user: 0.6}, "user <= 0.6 ok"},
		{userAtMost(0.6), figures{user: 0.61}, "user <= 0.6 BELOW"},
		{sysLike("floor"), figures{system: 5.5}, "sys as floor ok (1.10)"},
		{sysLike("floor"), figures{system: 5.6}, "sys as floor BELOW (1.12)"},
		{bytesAtMost(700), figures{bytes: 700}, "<= 700 B ok"},
		{bytesAtMost(700), figures{bytes: 701}, "<= 700 B BELOW"},
		{encodedOnce(), figures{encodings: 1}, "encoded once ok (1.00)"},
		{encodedOnce(), figures{encodings: 1000}, "encoded once BELOW (1000.00)"},
		{encodedOnce(), figures{}, "encoded once BELOW (0.00)"},
	} {
		if got := c.bar.verdict(c.f, all); got != c.want {
			t.Errorf("verdict %q, want %q", got, c.want)
		}
	}
}

func TestSummaryTakesRatesByRoundAndTheRestAsSums(t *testing.T) {
	round := func(messages uint64, user time.Duration) sample {
		var h load.Histogram
		h.Add(time.Microsecond, messages)
		return sample{messages: messages, elapsed: 2 * time.Second, latency: &h,
			cpu: cpuTime{user, 3 * user}, load: cpuTime{user, 0}, broadcasts: 4, encodings: 8}
	}
	f := summarise([]sample{
		round(1000, 100*time.Millisecond), round(5000, 200*time.Millisecond),
		round(4000, 300*time.Millisecond),
	})
	if f.best != 2500 || f.median != 2000 {
		t.Errorf("best %v, median %v", f.best, f.median)
	}
	if f.user != 60 || f.system != 180 {
		t.Errorf("user %v, system %v", f.user, f.system)
	}
	if percent(f.busy) != "40%" || percent(f.load) != "10%" {
		t.Errorf("busy %v, load %v", f.busy, f.load)
	}
	if f.latency.Count() != 10_000 || f.encodings != 2 {
		t.Errorf("%d latencies, %v encodings", f.latency.Count(), f.encodings)
	}
}

func TestBusyMachineIsNoticed(t *testing.T) {
	for _, c := range []struct {
		server, load float64
		want         bool
	}{{1, 0.5, false}, {0.5, 0.95, false}, {0.6, 0.7, true}, {0, 0, true}} {
		got := disturbance(figures{busy: c.server, load: c.load}) != ""
		if got != c.want {
			t.Errorf("server %v, clients %v: %v, want %v", c.server, c.load, got, c.want)
		}
	}
}

func TestSummaryOfMemory(t *testing.T) {
	f := summarise([]sample{{connections: 10, bytes: 7000}})
	if f.bytes != 700 || f.connections != 10 || f.median != 0 {
		t.Errorf("%v bytes, %d connections, median %v", f.bytes, f.connections, f.median)
	}
}

func TestSkippedRowsAreNotCompared(t *testing.T) {
	all := map[string]figures{"other": {skipped: "it is not here"}}
	if got := fastAs("other", "other").verdict(figures{median: 1}, all); got != ">= other not compared" {
		t.Errorf("verdict %q", got)
	}
	line := cells(row{name: "other", tell: throughput(1)}, all)
	if last := line[len(line)-1]; last != "skipped: it is not here" || line[1] != "-" {
		t.Errorf("line %q", line)
	}
}
