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

// run soaks the service: a cycle with one reload, then half of the time with
// reloads, then the other half without. good says that nothing leaked or was
// answered wrongly.
func run(ctx context.Context, o options, out, progress io.Writer) (good bool, err error) {
	s, err := startService(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.stop(!good)) }()
	fmt.Fprintf(progress, "soak: the service runs in %s\n", s.dir)
	g := &stage{service: s, acts: allActs(), rate: o.rate, tally: newTally(),
		random: rand.New(rand.NewPCG(o.seed, 0))}
	rows, err := g.soak(ctx, o.duration, progress)
	if err != nil {
		return false, errors.Join(err, printTally(out, g.tally))
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

// soak plays all parts of a run and measures between them.
func (g *stage) soak(ctx context.Context, d time.Duration, progress io.Writer) ([]row, error) {
	warmUp, half := min(cycle, d/3), d/2
	measured := make([]map[int]figures, 0, 2)
	for _, part := range []scene{
		{"the first cycle", warmUp, warmUp / 2, warmUp},
		{"with reloads", half, min(reloadEvery, half/2), warmUp},
		{"without reloads", half, 0, 0},
	} {
		fmt.Fprintf(progress, "soak: %s, %v\n", part.name, part.length)
		if err := g.perform(ctx, part); err != nil {
			return nil, err
		}
		g.tide(ctx)
		if part.reloads > 0 {
			figures, err := g.service.measure(ctx)
			if err != nil {
				return nil, err
			}
			measured = append(measured, figures)
		}
	}
	return g.service.judge(ctx, measured[0], measured[1])
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

// scene is one part of a run.
type scene struct {
	name            string
	length, reloads time.Duration // reloads: how often; 0: never
	// calm is what follows, as part of it, without reloads: processes that
	// came last must have seen something too when they are measured.
	calm time.Duration
}

// perform plays clients and asks for the status and reloads meanwhile.
func (g *stage) perform(ctx context.Context, part scene) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done, watched := make(chan struct{}), make(chan error, 1)
	go func() { // ends when all clients are gone, or with the first error
		err := g.watch(ctx, done, part)
		if err != nil {
			cancel()
		}
		watched <- err
	}()
	g.play(ctx, part.length+part.calm)
	close(done)
	return errors.Join(<-watched, ctx.Err())
}

// watch is the operator of the service.
func (g *stage) watch(ctx context.Context, done <-chan struct{}, part scene) error {
	status := time.NewTicker(statusEvery)
	defer status.Stop()
	var reload <-chan time.Time
	if part.reloads > 0 {
		ticker := time.NewTicker(part.reloads)
		defer ticker.Stop()
		reload = ticker.C
	}
	calm := time.After(part.length)
	for n := 0; ; n++ {
		var err error
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-calm:
			reload = nil
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
