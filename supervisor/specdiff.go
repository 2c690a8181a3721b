package supervisor

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/workerman-go/wm/ipc"
)

// specField is one thing that an author sets, under the name that it has in
// package worker.
type specField struct {
	name string
	of   func(ipc.Spec) any
}

// specFields are what can differ between two declarations of one Worker, in
// the order in which it is told.
var specFields = []specField{
	{"Count", func(s ipc.Spec) any { return s.Count }},
	{"address", func(s ipc.Spec) any { return s.Listen }},
	{"Transport", func(s ipc.Spec) any { return s.Transport }},
	{"Protocol", func(s ipc.Spec) any { return s.Protocol }},
	{"Name", func(s ipc.Spec) any { return s.Name }},
	{"User", func(s ipc.Spec) any { return s.User }},
	{"Group", func(s ipc.Spec) any { return s.Group }},
	{"Reloadable", func(s ipc.Spec) any { return s.Reloadable }},
	{"ReusePort", func(s ipc.Spec) any { return s.ReusePort }},
	{"Backlog", func(s ipc.Spec) any { return s.Backlog }},
	{"Limits.Connections", func(s ipc.Spec) any { return s.Connections }},
	{"Life.ReadyTimeout", func(s ipc.Spec) any { return s.ReadyTimeout }},
	{"Life.StopTimeout", func(s ipc.Spec) any { return s.StopTimeout }},
	{"Life.StopFirst", func(s ipc.Spec) any { return s.StopFirst }},
	{"Life.StopLast", func(s ipc.Spec) any { return s.StopLast }},
	{"Life.Essential", func(s ipc.Spec) any { return s.Essential }},
	{"Life.HangTimeout", func(s ipc.Spec) any { return s.HangTimeout }},
	{"Life.MaxAge", func(s ipc.Spec) any { return s.MaxAge }},
	{"Life.MaxRequests", func(s ipc.Spec) any { return s.MaxRequests }},
	{"Life.MaxMemory", func(s ipc.Spec) any { return s.MaxMemory }},
	{"Life.MaxProcs", func(s ipc.Spec) any { return s.MaxProcs }},
	{"certificates", func(s ipc.Spec) any { return certificateNames(s.Files) }},
}

// specChanges says what an author has changed: "Count 2 -> 4".
func specChanges(before, after ipc.Spec) []string {
	var changes []string
	for _, f := range specFields {
		if from, to := f.of(before), f.of(after); from != to {
			text := fmt.Sprintf("%s %s -> %s", f.name, valueText(from), valueText(to))
			changes = append(changes, text)
		}
	}
	return changes
}

// valueText shows what was not set as none.
func valueText(v any) string {
	if _, isBool := v.(bool); !isBool && reflect.ValueOf(v).IsZero() {
		return "none"
	}
	return fmt.Sprint(v)
}

// certificateNames is comparable, which the list is not.
func certificateNames(pairs []ipc.KeyPair) string {
	var names []string
	for _, pair := range pairs {
		names = append(names, pair.Cert)
		if pair.Key != pair.Cert {
			names = append(names, pair.Key)
		}
	}
	return strings.Join(names, ", ")
}
