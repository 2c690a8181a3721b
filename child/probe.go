package child

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/worker"
)

// probe runs the Start of each chosen app and tells the master what it
// declared. Nothing guards a Start: when one panics, exits or never returns
// the master names the app that was announced last.
func probe(link *ipc.Conn, only []string, apps []worker.App) int {
	discardSignals(probeIgnores...)
	go endWithMaster(link) // ends with the process
	p := &prober{link: link}
	chosen, err := chooseWithMain(apps, only)
	if err != nil {
		p.send(&ipc.Failed{Code: ipc.CodeFailed, Text: err.Error()})
		return ipc.CodeFailed
	}
	p.sendMainSettings()
	for _, app := range chosen {
		p.declare(app)
	}
	if err := conflicts(); err != nil {
		p.send(&ipc.Failed{Code: ipc.CodeFailed, Text: err.Error()})
		return ipc.CodeFailed
	}
	p.send(&ipc.Done{Version: worker.Version})
	if p.err != nil {
		return ipc.CodeFailed
	}
	return ipc.ExitDone
}

// prober writes the records of a probe; err is the first that failed.
type prober struct {
	link *ipc.Conn
	err  error
}

func (p *prober) send(m ipc.Message) {
	if p.err == nil {
		p.err = p.link.Send(m)
	}
}

// declare tells what one app declares. The app is announced before its Start
// runs, because it may not come back.
func (p *prober) declare(app worker.App) {
	p.send(&ipc.Announce{App: app.Name})
	_, specs := declarationsOf(app, worker.Declare)
	p.send(specs)
}

// declarationsOf has an app declare its Workers and describes them. Those of the
// main program are there already.
func declarationsOf(app worker.App,
	declare func(worker.App) []*worker.Worker) ([]*worker.Worker, *ipc.Specs) {
	if app.Name == mainApp {
		workers := worker.DeclaredMain()
		return workers, &ipc.Specs{App: mainApp, Specs: specsOf(mainApp, workers)}
	}
	workers := declare(app)
	return workers, &ipc.Specs{
		App: app.Name, Specs: specsOf(app.Name, workers),
		Settings: settings(worker.SettingsOf(app.Name)),
	}
}

// sendMainSettings tells what the main program put into worker.Settings. It
// counts even if none of its Workers is chosen, as it did run.
func (p *prober) sendMainSettings() {
	if set := mainSettings(); set != nil {
		p.send(set)
	}
}

// mainSettings is nil when the main program has set nothing. Called before the
// first Start.
func mainSettings() *ipc.Specs {
	set := settings(worker.SettingsSnapshot())
	if set == (ipc.Settings{}) {
		return nil
	}
	return &ipc.Specs{App: mainApp, Settings: set}
}

// conflicts is what the apps have registered against each other. Called after the
// last Start.
func conflicts() error {
	if found := worker.Conflicts(); len(found) > 0 {
		return errors.New(strings.Join(found, "\n"))
	}
	return nil
}

// settings keeps what the master decides with.
func settings(v worker.SettingsValues) ipc.Settings {
	return ipc.Settings{
		Daemonize:   v.Daemonize,
		PidFile:     v.PidFile,
		LogFile:     v.LogFile,
		StdoutFile:  v.StdoutFile,
		StopTimeout: v.StopTimeout,
	}
}

// chooseWithMain is choose among the apps and the main program, if that has
// Workers of its own.
func chooseWithMain(apps []worker.App, only []string) ([]worker.App, error) {
	if worker.DeclaredMain() != nil {
		apps = append([]worker.App{{Name: mainApp}}, apps...)
	}
	return choose(apps, only)
}

// choose returns the apps that only names, all if it is empty. "chat" chooses
// app chat and its roles chat/...; every name must choose something.
func choose(apps []worker.App, only []string) ([]worker.App, error) {
	if err := checkNames(apps); err != nil {
		return nil, err
	}
	for _, name := range only {
		chosen := func(app worker.App) bool { return chooses(name, app.Name) }
		if !slices.ContainsFunc(apps, chosen) {
			return nil, fmt.Errorf("unknown app %s, there is %s", name, names(apps))
		}
	}
	if len(only) == 0 {
		return apps, nil
	}
	var chosen []worker.App
	for _, app := range apps {
		named := func(name string) bool { return chooses(name, app.Name) }
		if slices.ContainsFunc(only, named) {
			chosen = append(chosen, app)
		}
	}
	return chosen, nil
}

func chooses(name, app string) bool {
	return name == app || strings.HasPrefix(app, name+"/")
}

// checkNames makes sure that keys are unique.
func checkNames(apps []worker.App) error {
	seen := map[string]bool{}
	for _, app := range apps {
		if app.Name == mainApp && app.Start != nil {
			return fmt.Errorf("app %s: the name belongs to the main program", app.Name)
		}
		if seen[app.Name] {
			return fmt.Errorf("two apps are called %s", app.Name)
		}
		seen[app.Name] = true
	}
	return nil
}

// endWithMaster ends a probe that nobody waits for any more, also while a
// Start blocks.
func endWithMaster(link *ipc.Conn) {
	for {
		_, fds, err := link.Recv()
		for _, fd := range fds {
			unix.Close(fd)
		}
		if err != nil {
			exit(ipc.ExitOrphan)
		}
	}
}
