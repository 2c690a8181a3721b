package load

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsAreContiguousAndNarrow(t *testing.T) {
	for i := range bucketCount - 2*perPower {
		end := endOf(i)
		if got := bucketOf(uint64(end)); got != i {
			t.Fatalf("bucket of %d is %d, want %d", end, got, i)
		}
		if got := bucketOf(uint64(end) + 1); got != i+1 {
			t.Fatalf("bucket of %d is %d, want %d", end+1, got, i+1)
		}
		if width := endOf(i+1) - end; float64(width) > math.Ceil(float64(end)/perPower) && width > 1 {
			t.Fatalf("bucket %d begins at %d and is %d wide", i+1, end, width)
		}
	}
}

func TestLongestLatencyHasABucket(t *testing.T) {
	var h Histogram
	h.Add(math.MaxInt64, 1)
	if got := h.Quantile(1); got != math.MaxInt64 {
		t.Errorf("quantile %d", got)
	}
}

func TestQuantileIsWithinItsBucketOfTheExactOne(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	all := make([]time.Duration, 10_000)
	for i := range all {
		all[i] = time.Duration(math.Exp(source.Float64() * 20))
		h.Add(all[i], 1)
	}
	slices.Sort(all)
	for _, q := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		exact := all[int(math.Ceil(q*float64(len(all))))-1]
		got := h.Quantile(q)
		if got < exact || float64(got) > float64(exact)*(1+2.0/perPower)+1 {
			t.Errorf("quantile %v is %d, exactly %d", q, got, exact)
		}
	}
}

func TestHistogramOfFewValues(t *testing.T) {
	var h Histogram
	if h.Quantile(0.5) != 0 || h.Max() != 0 {
		t.Error("an empty histogram has a latency")
	}
	h.Add(-5, 1)
	h.Add(1000, 98)
	h.Add(50_000, 1)
	for _, c := range []struct {
		q    float64
		want time.Duration
	}{{0.01, 0}, {0.5, 1007}, {0.99, 1007}, {0.999, 50_000}, {1, 50_000}} {
		if got := h.Quantile(c.q); got != c.want {
			t.Errorf("quantile %v is %d, want %d", c.q, got, c.want)
		}
	}
}

func TestMergeAddsAndResetEmpties(t *testing.T) {
	var a, b Histogram
	a.Add(10, 3)
	b.Add(20, 5)
	a.Merge(&b)
	if a.Count() != 8 || a.Max() != 20 || a.Quantile(0.5) != 20 || a.Quantile(0.2) != 10 {
		t.Errorf("count %d, longest %v", a.Count(), a.Max())
	}
	a.Reset()
	if a.Count() != 0 || a.Quantile(1) != 0 {
		t.Error("not empty after Reset")
	}
}
