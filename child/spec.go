package child

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/worker"
)

// mainApp is the app of Workers that a main program made before cli.Main.
const mainApp = "main"

// unnamed is what a Worker without a name is called.
const unnamed = "none"

// specsOf makes the Specs of what one app declared, in order. The probe and
// every worker process must come to the same keys.
func specsOf(app string, workers []*worker.Worker) []ipc.Spec {
	specs := make([]ipc.Spec, 0, len(workers))
	for _, w := range workers {
		specs = append(specs, specOf(app, w.Declaration()))
	}
	for i, key := range keys(app, specs) {
		specs[i].Key = key
	}
	return specs
}

func specOf(app string, d worker.Declaration) ipc.Spec {
	return ipc.Spec{
		App:          app,
		Name:         d.Name,
		Address:      d.Address,
		Listen:       d.Listen,
		Transport:    d.Transport,
		Protocol:     d.Protocol,
		Network:      d.Network,
		Host:         d.Host,
		ReusePort:    d.ReusePort,
		Files:        files(d.Files),
		Source:       d.Source,
		Error:        d.Err,
		Count:        d.Count,
		User:         d.User,
		Group:        d.Group,
		Reloadable:   d.Reloadable,
		Essential:    d.Essential,
		StopFirst:    d.StopFirst,
		StopLast:     d.StopLast,
		Backlog:      d.Backlog,
		MaxProcs:     d.MaxProcs,
		ReadyTimeout: d.ReadyTimeout,
		StopTimeout:  d.StopTimeout,
		HangTimeout:  d.HangTimeout,
		MaxAge:       d.MaxAge,
		MaxRequests:  d.MaxRequests,
		MaxMemory:    d.MaxMemory,
		Connections:  d.Connections,
	}
}

func files(declared []worker.Pair) []ipc.KeyPair {
	var pairs []ipc.KeyPair
	for _, pair := range declared {
		pairs = append(pairs, ipc.KeyPair{Cert: pair.CertFile, Key: pair.KeyFile})
	}
	return pairs
}

// keys names each Worker of an app for as long as the service runs: app/name,
// or app/ordinal counted from 1 where there is no name of its own.
func keys(app string, specs []ipc.Spec) []string {
	uses := map[string]int{}
	for _, spec := range specs {
		uses[spec.Name]++
	}
	keys := make([]string, len(specs))
	for i, spec := range specs {
		keys[i] = app + "/" + strconv.Itoa(i+1)
		if uses[spec.Name] == 1 && distinctive(spec.Name) {
			keys[i] = app + "/" + spec.Name
		}
	}
	return keys
}

// distinctive tells whether a name can be no other Worker's key: neither an
// ordinal nor, by a slash, one of the app's roles.
func distinctive(name string) bool {
	return name != "" && name != unnamed && !strings.Contains(name, "/") &&
		strings.Trim(name, "0123456789") != ""
}

// find runs the Start of the app that want belongs to and returns its Worker
// of the same key. An error says how this process and the master disagree.
func find(want ipc.Spec, apps []worker.App) (*worker.Worker, error) {
	workers, err := declared(want.App, apps)
	if err != nil {
		return nil, err
	}
	specs := specsOf(want.App, workers)
	i := slices.IndexFunc(specs, func(s ipc.Spec) bool { return s.Key == want.Key })
	if i < 0 {
		return nil, fmt.Errorf("Start of app %s declares no Worker %s in this process, only %s; "+
			"it must declare the same in every process", want.App, want.Key, list(specs))
	}
	if got := specs[i]; !sameListener(got, want) {
		return nil, fmt.Errorf("Worker %s is %s in this process (%s), but the master has %s; "+
			"Start must declare the same in every process",
			want.Key, listens(got), got.Source, listens(want))
	}
	return workers[i], nil
}

// declared runs one app's Start.
func declared(name string, apps []worker.App) ([]*worker.Worker, error) {
	if name == mainApp {
		return worker.DeclaredMain(), nil
	}
	for _, app := range apps {
		if app.Name == name {
			return worker.Declare(app), nil
		}
	}
	return nil, fmt.Errorf("app %s is not in this binary, only %s", name, names(apps))
}

// sameListener compares what the inherited listener depends on, and the files
// that the master has read for it.
func sameListener(a, b ipc.Spec) bool {
	return a.Network == b.Network && a.Host == b.Host &&
		a.Transport == b.Transport && a.Protocol == b.Protocol && slices.Equal(a.Files, b.Files)
}

// listens describes a Spec by what sameListener compares.
func listens(s ipc.Spec) string {
	if s.Network == "" {
		return "without a listener"
	}
	protocol := s.Protocol
	if protocol == "" {
		protocol = "no protocol"
	}
	text := fmt.Sprintf("%s over %s on %s %s", protocol, s.Transport, s.Network, s.Host)
	for _, pair := range s.Files {
		text += " with certificate " + pair.Cert
	}
	return text
}

func list(specs []ipc.Spec) string {
	if len(specs) == 0 {
		return "none at all"
	}
	var keys []string
	for _, spec := range specs {
		keys = append(keys, spec.Key)
	}
	return strings.Join(keys, ", ")
}

func names(apps []worker.App) string {
	if len(apps) == 0 {
		return "no app at all"
	}
	var all []string
	for _, app := range apps {
		all = append(all, app.Name)
	}
	return strings.Join(all, ", ")
}
