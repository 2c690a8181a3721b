package cli

import (
	"fmt"
	"regexp"
)

// advice is what to do about a text of the go tool that does not say it itself.
type advice struct {
	says *regexp.Regexp
	do   string // takes the groups of says
}

var advices = []advice{
	{regexp.MustCompile(`import cycle not allowed`),
		"the packages named above import each other in a circle: " +
			"move what they share into a package of its own, outside of apps/"},
	{regexp.MustCompile(`go\.(?:mod|work) requires go >= (\S+) \(running go ([^;)\s]+)`),
		"the module wants Go %s and Go %s is here: install the newer one, or lower the go line " +
			"of go.mod"},
	{regexp.MustCompile(`download (go\S+) for \S+: `),
		"the module wants %s, which is not here and could not be downloaded: " +
			"install it, or lower the go line of go.mod"},
	{regexp.MustCompile(`dial tcp|no such host|GOPROXY=off|i/o timeout|proxyconnect`),
		"a module is not on this machine and cannot be downloaded now: " +
			"type go mod download where there is a network"},
	{regexp.MustCompile(`no required module provides package github\.com/workerman-go/wm/`),
		"go.mod does not name wm: type go get github.com/workerman-go/wm, or go mod edit -replace " +
			"and go mod tidy for a source tree of it"},
	{regexp.MustCompile(`missing go\.sum entry|updates to go\.(?:mod|sum) needed`),
		"go.mod and go.sum lack what an app imports: type go mod tidy"},
	{regexp.MustCompile(`import lookup disabled by -mod=vendor|inconsistent vendoring`),
		"the folder vendor lacks what go.mod or an app asks for: type go mod vendor"},
	{regexp.MustCompile(`permission denied`),
		"the user that builds may not read or write a file named above: chmod, or chown it"},
}

// advise is what to do about the output of a build that failed; empty when the go
// tool says it itself.
func advise(output string) string {
	for _, a := range advices {
		found := a.says.FindStringSubmatch(output)
		if found == nil {
			continue
		}
		var groups []any
		for _, group := range found[1:] {
			groups = append(groups, group)
		}
		return fmt.Sprintf(a.do, groups...)
	}
	return ""
}
