package preamble

import (
	"bytes"
	"slices"
	"testing"
)

// outcome is all that a Preamble has done to a stream.
type outcome struct {
	sent, rest string
	done       bool
	err        string
}

// drive gives p the stream in chunks of size bytes, as a connection would, and
// demands that it waits for fewer than limit bytes.
func drive(t *testing.T, p Preamble, in []byte, size, limit int) outcome {
	t.Helper()
	o := outcome{sent: string(p.Start())}
	var held []byte
	chunks := slices.Collect(slices.Chunk(in, max(size, 1)))
	for i, chunk := range chunks {
		held = append(held, chunk...)
		before := bytes.Clone(held)
		n, reply, done, err := p.Feed(held)
		if !bytes.Equal(held, before) {
			t.Errorf("Feed changed the bytes it was given")
		}
		o.sent += string(reply)
		if err != nil {
			o.err = err.Error()
			return o
		}
		held = held[n:]
		if done {
			o.done = true
			o.rest = string(held) + string(bytes.Join(chunks[i+1:], nil))
			return o
		}
		if len(held) >= limit {
			t.Fatalf("waits for more with %d bytes, want fewer than %d", len(held), limit)
		}
	}
	o.rest = string(held)
	return o
}

// everyCut demands of fresh values that chunks of every size lead to the outcome
// of the whole stream, and returns that.
func everyCut(t *testing.T, fresh func() Preamble, in string, limit int) outcome {
	t.Helper()
	whole := drive(t, fresh(), []byte(in), len(in), limit)
	for size := 1; size < len(in); size++ {
		got := drive(t, fresh(), []byte(in), size, limit)
		if got != expected(whole, got) {
			t.Errorf("cut by %d: %+v; whole: %+v", size, got, whole)
		}
	}
	return whole
}

// expected allows for the one difference between cuts: a stream that ends in
// an error has been answered up to it only if what came before came apart.
func expected(whole, cut outcome) outcome {
	if whole.err != "" {
		whole.sent = cut.sent
	}
	return whole
}
