package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

const (
	reloadEvery = time.Minute
	statusEvery = 3 * time.Second
	// cycle is as long as it takes until every act was played in bursts.
	cycle = 3 * swing
	// leakPatience is how long what seems to have grown may take to go.
	leakPatience = 15 * time.Second
)

// run soaks the service: a cycle, then half of the time with reloads, then the
// other half without. good says that nothing leaked or was answered wrongly.
func run(ctx context.Context, o options, out, progress io.Writer) (good bool, err error) {
	s, err := startService(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.stop(!good)) }()
	g := &stage{service: s, acts: allActs(), rate: o.rate, tally: newTally(),
		random: rand.New(rand.NewPCG(o.seed, 0))}
	fmt.Fprintf(progress, "soak: the service runs in %s\n", s.dir)
	if err := g.act(ctx, min(cycle, o.duration/3), 0); err != nil {
		return false, err
	}
	first, err := s.measure(ctx)
	if err != nil {
		return false, err
	}
	half := o.duration / 2
	fmt.Fprintf(progress, "soak: %v with reloads\n", half)
	if err := g.act(ctx, half, min(reloadEvery, half/2)); err != nil {
		return false, err
	}
	second, err := s.measure(ctx)
	if err != nil {
		return false, err
	}
	fmt.Fprintf(progress, "soak: %v without reloads\n", half)
	if err := g.act(ctx, half, 0); err != nil {
		return false, err
	}
	rows, err := s.judge(ctx, first, second)
	if err != nil {
		return false, err
	}
	if err := errors.Join(printProcesses(out, rows), printTally(out, g.tally)); err != nil {
		return false, err
	}
	st, err := s.status(ctx)
	if err == nil {
		err = st.accidents()
	}
	return err == nil && !leaking(rows) && g.tally.clean(), err
}

// judge measures the end. What seems to leak may still be on its way out, so
// it is measured again for a while.
func (s *service) judge(ctx context.Context, first, second map[int]figures) ([]row, error) {
	deadline := time.Now().Add(leakPatience)
	for {
		end, err := s.measure(ctx)
		if err != nil {
			return nil, err
		}
		rows := append(compare("first cycle", first, end), compare("half time", second, end)...)
		if !leaking(rows) || time.Now().After(deadline) {
			return rows, nil
		}
		if err := pause(ctx, settlePoll); err != nil {
			return nil, err
		}
	}
}

// act plays clients for d, asks for the status all the while, and reloads from
// time to time; 0: never.
func (g *stage) act(ctx context.Context, d, reloads time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done, watched := make(chan struct{}), make(chan error, 1)
	go func() { // ends when all clients are gone, or with the first error
		err := g.watch(ctx, done, reloads)
		if err != nil {
			cancel()
		}
		watched <- err
	}()
	g.play(ctx, d)
	close(done)
	return errors.Join(<-watched, ctx.Err())
}

// watch is the operator of the service.
func (g *stage) watch(ctx context.Context, done <-chan struct{}, reloads time.Duration) error {
	status := time.NewTicker(statusEvery)
	defer status.Stop()
	var reload <-chan time.Time
	if reloads > 0 {
		ticker := time.NewTicker(reloads)
		defer ticker.Stop()
		reload = ticker.C
	}
	for n := 0; ; n++ {
		var err error
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-reload:
			err = g.reload(ctx)
		case <-status.C:
			_, err = g.service.command(ctx, []string{"status", "connections"}[n%2])
		}
		if err != nil {
			return err
		}
	}
}
