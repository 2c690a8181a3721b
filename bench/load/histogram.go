package load

import (
	"math"
	"math/bits"
	"time"
)

// Each power of two of nanoseconds is divided into 2^subBits buckets, which
// bounds the error of a quantile to one part in 2^subBits, 1.6 %.
const (
	subBits     = 6
	perPower    = 1 << subBits
	bucketCount = (64 - subBits) * perPower
)

// Histogram counts latencies. The zero value is empty; not safe for concurrent
// use.
type Histogram struct {
	buckets [bucketCount]uint64
	count   uint64
	max     time.Duration
}

// Add counts n latencies of d; a negative d counts as 0.
func (h *Histogram) Add(d time.Duration, n uint64) {
	d = max(d, 0)
	h.buckets[bucketOf(uint64(d))] += n
	h.count += n
	h.max = max(h.max, d)
}

// Merge adds what o counted.
func (h *Histogram) Merge(o *Histogram) {
	for i, n := range &o.buckets {
		h.buckets[i] += n
	}
	h.count += o.count
	h.max = max(h.max, o.max)
}

// Reset empties h.
func (h *Histogram) Reset() { *h = Histogram{} }

// Count is how many latencies were added.
func (h *Histogram) Count() uint64 { return h.count }

// Max is the longest one, exactly.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile returns the latency that a part q of all, 0 to 1, do not exceed,
// rounded up to the end of its bucket. It is 0 while h is empty.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := max(1, uint64(math.Ceil(q*float64(h.count))))
	var seen uint64
	for i, n := range &h.buckets {
		if seen += n; seen >= rank {
			return min(endOf(i), h.max)
		}
	}
	return h.max
}

// bucketOf keeps the first subBits+1 significant bits of v.
func bucketOf(v uint64) int {
	if v < perPower {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return (shift+1)<<subBits + int(v>>shift) - perPower
}

// endOf is the largest latency of bucket i.
func endOf(i int) time.Duration {
	if i < perPower {
		return time.Duration(i)
	}
	shift := i>>subBits - 1
	first := uint64(i&(perPower-1)+perPower) << shift
	return time.Duration(min(first+1<<shift-1, math.MaxInt64))
}
