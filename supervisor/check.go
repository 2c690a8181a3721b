package supervisor

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// Check runs the probe of cfg.Executable and returns what its apps declare,
// or why it could not be started. It touches nothing of a running service.
// Called by the command line; not in a process that has other children or
// becomes a master, because it waits for every child there is.
func Check(ctx context.Context, cfg Config) ([]ipc.Spec, ipc.Settings, error) {
	gen, err := openGeneration(cfg.Executable)
	if err != nil {
		return nil, ipc.Settings{}, err
	}
	defer gen.close()
	s := newSupervisor(cfg, realSystem())
	defer close(s.gone)
	reap(s.exits, s.gone)
	var verdict error
	if err := s.probeBinary(gen, func(err error) { verdict = err }); err != nil {
		return nil, ipc.Settings{}, err
	}
	s.waitForProbe(ctx)
	if verdict == nil {
		verdict = s.checkMachine(gen.specs)
	}
	return gen.specs, gen.settings, verdict
}

// waitForProbe is the part of the master's loop that a probe alone needs.
func (s *Supervisor) waitForProbe(ctx context.Context) {
	cancelled := ctx.Done()
	for s.probe != nil {
		now := s.sys.now()
		s.tendProbe(now)
		if s.probe == nil {
			return
		}
		s.wake.Reset(s.untilNext(now))
		select {
		case x := <-s.exits:
			s.onExit(x)
		case m := <-s.messages:
			s.onMessage(m)
		case <-s.pokes:
		case <-s.wake.C:
		case <-cancelled:
			cancelled = nil
			s.sys.kill(s.probe.pidfd, unix.SIGKILL)
		}
	}
}

// checkMachine looks for what the Specs need of this machine: users, groups,
// certificates and addresses. Whether an address is taken only a start can
// tell.
func (s *Supervisor) checkMachine(specs []ipc.Spec) error {
	for _, spec := range specs {
		_, err := resolveIdentity(spec.User, spec.Group)
		if err == nil {
			_, err = s.certificatesFor(spec)
		}
		if err == nil {
			err = checkAddress(spec)
		}
		if err != nil {
			return ofWorker(spec, err)
		}
	}
	return nil
}
