package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxClients is how many there are at once. It bounds a burst.
	maxClients = 200
	// tick is how often clients are let in.
	tick = 50 * time.Millisecond
	// swing is the time of one even stretch, one burst and one lull.
	swing = 4 * time.Second
	// tideClients of each wire stop reading at once before a measurement.
	tideClients = 16
)

// stage is where clients come and go.
type stage struct {
	service *service
	acts    []act
	rate    int
	random  *rand.Rand
	tally   *tally
	// reloads is odd during a reload, which lasts until the old processes
	// are gone.
	reloads atomic.Int64
}

// play lets clients come for d and waits until all are gone.
func (g *stage) play(ctx context.Context, d time.Duration) {
	var clients sync.WaitGroup
	defer clients.Wait()
	free := make(chan struct{}, maxClients)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	began := time.Now()
	for owed := 0.0; ctx.Err() == nil && time.Since(began) < d; {
		<-ticker.C
		owed += g.share(time.Since(began)) * float64(g.rate) * tick.Seconds()
		for ; owed >= 1; owed-- {
			free <- struct{}{}
			a := g.acts[g.random.IntN(len(g.acts))]
			c := g.newClient(ctx)
			clients.Go(func() { // ends after clientTimeout at the latest
				g.meet(a, c)
				<-free
			})
		}
	}
}

// tide lets so many clients of each wire at once stop reading that the
// processes keep about as many buffers for later as they ever do: then what is
// kept on purpose differs little between measurements.
func (g *stage) tide(ctx context.Context) {
	for _, w := range wires {
		a := act{name: w.worker + " stops reading", play: w.drown, lasting: true}
		var clients sync.WaitGroup
		for range tideClients {
			c := g.newClient(ctx)
			clients.Go(func() { g.meet(a, c) }) // ends after clientTimeout at the latest
		}
		clients.Wait()
	}
}

func (g *stage) newClient(ctx context.Context) *client {
	return &client{ctx: ctx, addresses: g.service.addresses,
		random: rand.New(rand.NewPCG(g.random.Uint64(), 0))}
}

// share is how many of the average come at a moment: half of them evenly,
// then as many at once, then none.
func (g *stage) share(at time.Duration) float64 {
	const burst = swing / 8
	switch at %= swing; {
	case at < swing/2:
		return 1
	case at < swing/2+burst:
		return float64(swing/2) / float64(burst)
	}
	return 0
}

// meet plays one act and counts how it ended.
func (g *stage) meet(a act, c *client) {
	before := g.reloads.Load()
	err := a.play(c)
	now := counts{played: 1, right: c.right}
	var bad *wrong
	failure := ""
	switch reloading := before%2 == 1 || before != g.reloads.Load(); {
	case err == nil:
	case errors.As(err, &bad):
		now.wrong, failure = 1, err.Error()
	case reloading && !a.lasting && ended(err):
		now.reloaded = 1
	case c.ctx.Err() != nil: // interrupted
	default:
		now.errors, failure = 1, err.Error()
	}
	g.tally.add(a.name, now, failure)
}

// reload replaces the processes.
func (g *stage) reload(ctx context.Context) error {
	g.reloads.Add(1)
	defer g.reloads.Add(1)
	if _, err := g.service.command(ctx, "reload"); err != nil {
		return err
	}
	deadline := time.Now().Add(settleTimeout)
	for {
		st, err := g.service.status(ctx)
		if err != nil {
			return err
		}
		if st.complete() {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d processes %v after a reload", len(st.Processes), settleTimeout)
		}
		if err := pause(ctx, settlePoll); err != nil {
			return err
		}
	}
}
