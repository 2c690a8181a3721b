package supervisor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// probing is one run of a binary that tells what its apps declare.
type probing struct {
	gen       *generation
	pid       int
	pidfd     int
	link      *link
	words     *lastWords
	by        time.Time
	announced string // the app whose Start runs now
	complete  bool   // Done was received
	failed    *ipc.Failed
	late      bool
	ended     *ended
	linkGone  bool
	// done is called once on the loop, with nil when gen is filled in.
	done func(error)
}

// probeBinary executes gen's binary to learn its specs. What a Start prints
// is not shown: it will be printed again by every worker process.
func (s *Supervisor) probeBinary(gen *generation, done func(error)) error {
	got, err := s.sys.start(launch{
		gen:   gen,
		title: s.cfg.Program + ": probe",
		handover: ipc.Handover{
			Role: ipc.RoleProbe, Apps: s.cfg.Apps, Args: s.cfg.Args, Root: gen.root,
		},
		environ:  s.cfg.environ(),
		quiet:    true,
		listener: -1,
	})
	if err != nil {
		return fmt.Errorf("probe %s: %w", gen.path, err)
	}
	gen.specs, gen.settings = nil, ipc.Settings{}
	s.probe = &probing{
		gen: gen, pid: got.pid, pidfd: got.pidfd, done: done,
		link:  openLink(got.link, s.messages, s.gone),
		words: s.listenTo(got.words, io.Discard),
		by:    s.sys.now().Add(probeTimeout),
	}
	return nil
}

// onProbeMessage takes what the probe says.
func (s *Supervisor) onProbeMessage(p *probing, m linkMessage) {
	switch m := m.m.(type) {
	case nil:
		p.linkGone = true
		p.link.close()
	case *ipc.Announce:
		p.announced = m.App
		s.progress(ipc.Progress{Kind: "probe", Text: m.App})
	case *ipc.Specs:
		p.gen.specs = append(p.gen.specs, m.Specs...)
		p.gen.settings = mergeSettings(p.gen.settings, m.Settings)
	case *ipc.Failed:
		p.failed = m
	case *ipc.Done:
		p.gen.version, p.gen.program, p.complete = m.Version, m.Program, true
	}
}

// tendProbe ends a late probe and finishes a dead one.
func (s *Supervisor) tendProbe(now time.Time) {
	p := s.probe
	if p == nil {
		return
	}
	if p.ended == nil {
		if !p.late && now.After(p.by) {
			p.late = true
			s.sys.kill(p.pidfd, unix.SIGKILL)
		}
		return
	}
	pipesDone := p.linkGone && p.words.ended()
	if !pipesDone && now.Before(p.ended.at.Add(pipeTimeout)) {
		return
	}
	s.probe = nil
	p.link.close()
	unix.Close(p.pidfd)
	verdict := p.verdict()
	s.logProbe(p, verdict)
	p.done(verdict)
}

// logProbe keeps the last words of a probe that failed, whole: what is said of it
// on terminals is cut. A command line without a log has none to keep them in.
func (s *Supervisor) logProbe(p *probing, verdict error) {
	words := p.words.String()
	if verdict != nil && words != "" && s.log != nil {
		s.log.Record(os.Getpid(), fmt.Sprintf("last words of the probe:\n%s", words))
	}
}

// beforeApps is what runs of a program before it is asked for its first app.
const beforeApps = "in the init of a package, or in main before cli.Main"

// verdict is nil when the declarations can be run.
func (p *probing) verdict() error {
	switch {
	case p.failed != nil:
		return errors.New(p.failed.Text)
	case p.announced == "" && p.late:
		return fmt.Errorf("the program did not come to its first app within %v: %s%s",
			probeTimeout, beforeApps, quote(p.words))
	case p.announced == "" && !p.complete:
		return fmt.Errorf("the program ended (%s) before its first app: %s%s",
			describeStatus(p.ended.status), beforeApps, quote(p.words))
	case p.late:
		return fmt.Errorf("app %s: Start did not return within %v%s",
			p.announced, probeTimeout, quote(p.words))
	case !p.complete:
		return fmt.Errorf("app %s: Start ended the process (%s)%s%s",
			p.announced, describeStatus(p.ended.status), hint(p.words), quote(p.words))
	}
	return checkSpecs(p.gen.specs)
}

// hint explains a Start that has used what is not there yet.
func hint(words *lastWords) string {
	if !strings.Contains(words.String(), "nil pointer dereference") {
		return ""
	}
	return ". Start only declares: worker.Self, worker.Loop and connections exist " +
		"from OnWorkerStart on"
}

// checkSpecs finds declarations that cannot run together.
func checkSpecs(specs []ipc.Spec) error {
	var errs []error
	taken := map[string]ipc.Spec{}
	for _, spec := range specs {
		if spec.Error != "" {
			errs = append(errs, ofWorker(spec, errors.New(spec.Error)))
		}
		if spec.Host == "" || spec.Error != "" {
			continue
		}
		at := addressKey(spec)
		if other, found := taken[at]; found {
			errs = append(errs, ofWorker(spec, fmt.Errorf(
				"%s is taken by worker %s already (%s)", spec.Listen, other.Key, other.Source)))
		}
		taken[at] = spec
	}
	if len(specs) == 0 {
		errs = append(errs, errors.New("no app declares a Worker"))
	}
	return errors.Join(errs...)
}

// mergeSettings lets a later app's setting beat an earlier one's.
func mergeSettings(old, new ipc.Settings) ipc.Settings {
	old.Daemonize = old.Daemonize || new.Daemonize
	old.PidFile = firstSet(new.PidFile, old.PidFile)
	old.LogFile = firstSet(new.LogFile, old.LogFile)
	old.StdoutFile = firstSet(new.StdoutFile, old.StdoutFile)
	if new.StopTimeout != 0 {
		old.StopTimeout = new.StopTimeout
	}
	return old
}

// quote appends last words to a message, indented.
func quote(words *lastWords) string {
	if text := words.String(); text != "" {
		return ":\n" + indent(ownFrames(text))
	}
	return ""
}
