package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// maxExamples of what went wrong are printed.
const maxExamples = 20

// counts is what the clients of one act saw.
type counts struct {
	played   int
	right    int // answers
	reloaded int // connections that a reload ended
	wrong    int // answers that were not those that must come
	errors   int // ends and refusals that nobody caused
}

func (c *counts) add(o counts) {
	c.played += o.played
	c.right += o.right
	c.reloaded += o.reloaded
	c.wrong += o.wrong
	c.errors += o.errors
}

// tally is what all clients saw. Safe for concurrent use.
type tally struct {
	mu       sync.Mutex // guards all below
	acts     map[string]counts
	failures []string
}

func newTally() *tally { return &tally{acts: make(map[string]counts)} }

// add counts one client of an act; failure is empty when all went well.
func (t *tally) add(act string, c counts, failure string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := t.acts[act]
	sum.add(c)
	t.acts[act] = sum
	if failure != "" && len(t.failures) < maxExamples {
		t.failures = append(t.failures, fmt.Sprintf("%s: %s", act, failure))
	}
}

func (t *tally) names() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.acts))
}

func (t *tally) of(act string) counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.acts[act]
}

func (t *tally) examples() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.failures)
}

// clean says that nothing was wrong.
func (t *tally) clean() bool {
	for _, name := range t.names() {
		if c := t.of(name); c.wrong > 0 || c.errors > 0 {
			return false
		}
	}
	return true
}
