package supervisor

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/listen"
)

// CheckScope says what Check looks at beside what the binary declares.
type CheckScope struct {
	// Addresses are bound for a moment. Those that Master holds are no
	// finding; it is the pid of the running master, 0 without one.
	Addresses bool
	Master    int
	// Daemon says that the standard output file is used, too.
	Daemon bool
}

// Checked is what Check found.
type Checked struct {
	Report   ipc.Check
	Settings ipc.Settings
	errs     []error
}

// Err joins the findings that would fail a start; nil when it would succeed.
func (c *Checked) Err() error { return errors.Join(c.errs...) }

// Check does everything that a start of cfg.Executable would do, short of
// serving, and lists all that it finds. It touches nothing of a running
// service. Called by the command line; not in a process that has other
// children or becomes a master, because it waits for every child there is.
func Check(ctx context.Context, cfg Config, scope CheckScope) *Checked {
	c := &checker{scope: scope, s: newSupervisor(cfg, realSystem())}
	c.Report = ipc.Check{
		Schema: ipc.SchemaVersion, Workers: []ipc.CheckedWorker{}, Findings: []ipc.Finding{},
	}
	specs, err := c.declared(ctx)
	c.failed(err, "")
	for _, spec := range specs {
		c.checkWorker(spec)
	}
	c.checkFiles()
	c.checkFileLimit(specs)
	c.Report.OK = len(c.errs) == 0
	return &c.Checked
}

// checker collects findings.
type checker struct {
	Checked
	scope CheckScope
	s     *Supervisor
}

// declared runs the probe. Specs come with an error too when they are what is
// wrong.
func (c *checker) declared(ctx context.Context) ([]ipc.Spec, error) {
	s := c.s
	gen, err := openGeneration(s.cfg.Executable)
	if err != nil {
		return nil, err
	}
	defer gen.close()
	defer close(s.gone)
	reap(s.exits, s.gone)
	var verdict error
	if err := s.probeBinary(gen, func(err error) { verdict = err }); err != nil {
		return nil, err
	}
	s.waitForProbe(ctx)
	s.settings, c.Settings, c.Report.Version = gen.settings, gen.settings, gen.version
	if gen.version == "" {
		return nil, verdict // it did not come to its end
	}
	return gen.specs, verdict
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

// checkWorker looks for what one Worker needs of this machine.
func (c *checker) checkWorker(spec ipc.Spec) {
	row := ipc.CheckedWorker{
		Key: spec.Key, App: spec.App, Listen: spec.Listen, Count: spec.Count, Source: spec.Source,
	}
	if spec.Error == "" {
		_, err := resolveIdentity(spec.User, spec.Group)
		c.workerFailed(spec, err, "make the account, correct User and Group, or start as root")
		c.checkCertificates(spec)
		if c.scope.Addresses && spec.Network != "" {
			row.Address = c.checkAddress(spec)
		}
		c.checkLimits(spec)
	}
	c.Report.Workers = append(c.Report.Workers, row)
}

// checkAddress binds an address for a moment, and says whose it is.
func (c *checker) checkAddress(spec ipc.Spec) string {
	err := c.s.sys.try(addressOf(spec))
	if err == nil {
		return "free"
	}
	var taken *listen.InUseError
	if !errors.As(err, &taken) {
		c.workerFailed(spec, err, "correct the address")
		return ""
	}
	master := c.scope.Master
	for _, h := range taken.Holders {
		if h.PID == master {
			return "held by this service"
		}
	}
	if len(taken.Holders) == 0 && master != 0 && !listen.Visible(master) {
		c.warn(spec, fmt.Sprintf("%v, which may be this service", err), "check as the master's user")
	} else {
		c.workerFailed(spec, err, "end that program or choose another address")
	}
	return "held by " + taken.By().String()
}

// failed notes an error, each of a joined one, as a finding.
func (c *checker) failed(err error, advice string) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			c.failed(err, advice)
		}
		return
	}
	c.errs = append(c.errs, err)
	f := ipc.Finding{Level: ipc.FindingError, Text: err.Error(), Advice: advice}
	var of *workerError
	if errors.As(err, &of) {
		f.Worker, f.Source, f.Text = of.spec.Key, of.spec.Source, of.err.Error()
	}
	c.Report.Findings = append(c.Report.Findings, f)
}

func (c *checker) workerFailed(spec ipc.Spec, err error, advice string) {
	if err != nil {
		c.failed(ofWorker(spec, err), advice)
	}
}

// warn notes what does not keep a service from starting. A Spec without a key
// stands for the whole service.
func (c *checker) warn(spec ipc.Spec, text, advice string) {
	c.Report.Findings = append(c.Report.Findings, ipc.Finding{
		Level: ipc.FindingWarning, Worker: spec.Key, Source: spec.Source, Text: text, Advice: advice,
	})
}
