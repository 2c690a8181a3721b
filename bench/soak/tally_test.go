package main

import (
	"context"
	"errors"
	"io"
	"testing"
)

func TestHowAClientEnded(t *testing.T) {
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name    string
		ctx     context.Context
		lasting bool
		reload  bool // one is under way
		err     error
		want    counts
	}{
		{"well", t.Context(), false, false, nil, counts{played: 1}},
		{"hung up on", t.Context(), false, false, io.EOF, counts{played: 1, errors: 1}},
		{"hung up on by a reload", t.Context(), false, true, io.EOF, counts{played: 1, reloaded: 1}},
		{"hung up on by who stays", t.Context(), true, true, io.EOF, counts{played: 1, errors: 1}},
		{"no answer in a reload", t.Context(), false, true, errors.New("timeout"),
			counts{played: 1, errors: 1}},
		{"a wrong answer in a reload", t.Context(), false, true, &wrong{"a", "b"},
			counts{played: 1, wrong: 1}},
		{"interrupted", interrupted, false, false, io.EOF, counts{played: 1}},
	} {
		g := &stage{tally: newTally()}
		if c.reload {
			g.reloads.Add(1)
		}
		play := func(*client) error { return c.err }
		g.meet(act{"act", play, c.lasting}, &client{ctx: c.ctx})
		if got := g.tally.of("act"); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		if good := c.want.errors == 0 && c.want.wrong == 0; g.tally.clean() != good {
			t.Errorf("%s: clean %v", c.name, !good)
		}
	}
}
