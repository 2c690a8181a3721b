package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// guide is the page whose apps and recipes are run as they stand there.
const guide = "../docs/http.md"

// guidePort is where the page says that something listens.
var guidePort = regexp.MustCompile(`127\.0\.0\.1:(80\d\d)\b`)

// guideFile is a file that the page has its reader make: its path, and its text
// in the block below.
var guideFile = regexp.MustCompile("(?ms)^`(apps/[^`]+)`:\n\n```\\w*\n(.*?)^```$")

// guidePorts lists the ports of the page.
func guidePorts(text string) []string {
	var ports []string
	for _, found := range guidePort.FindAllStringSubmatch(text, -1) {
		ports = append(ports, found[1])
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// guideApps makes the apps of the page in a tree. They listen where the
// environment says, E2E_GUIDE_8080=127.0.0.1:40000, and nowhere without it; that
// is all that differs from the page.
func guideApps(dir string) error {
	text, err := os.ReadFile(guide)
	if err != nil {
		return err
	}
	files := guideFile.FindAllStringSubmatch(string(text), -1)
	if len(files) == 0 {
		return errors.New(guide + " has no apps")
	}
	for _, f := range files {
		path, body := filepath.Join(dir, filepath.FromSlash(f[1])), f[2]
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if strings.HasSuffix(path, "/start.go") {
			body = movable(body)
			err = guideStart(filepath.Dir(path))
		}
		if err := errors.Join(err, os.WriteFile(path, []byte(body), 0o644)); err != nil {
			return err
		}
	}
	return nil
}

var guideAddress = regexp.MustCompile(`"http://127\.0\.0\.1:(80\d\d)"`)

// movable is an app of the page whose Start and addresses are replaced.
func movable(source string) string {
	source = strings.Replace(source, "\nfunc Start() {\n", "\nfunc start() {\n", 1)
	return guideAddress.ReplaceAllString(source, `guideAddress("$1")`)
}

// guideStart writes what replaces them.
func guideStart(dir string) error {
	source := "package " + filepath.Base(dir) + `

import "os"

// Start declares nothing outside of the test of the page.
func Start() {
	if os.Getenv("E2E_GUIDE") != "" {
		start()
	}
}

func guideAddress(port string) string { return "http://" + os.Getenv("E2E_GUIDE_"+port) }
`
	return os.WriteFile(filepath.Join(dir, "startguide.go"), []byte(source), 0o644)
}
