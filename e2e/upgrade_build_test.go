package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
)

// A build of the lab with other sources than the tree has. Each is made by the
// first test that wants it.
type variant struct {
	name string
	mark string // what the web app answers to /build
	// sources returns, for files of the tree, what is compiled instead.
	sources func(dir string) (map[string]string, error)

	once sync.Once
	path string
	err  error
}

const (
	labVersion   = "0.1.0"
	otherVersion = "0.2.0" // of the variants
)

var (
	// labNext is the lab with another wm version.
	labNext = &variant{name: "next", mark: "next", sources: otherSelf}
	// labEvil is labNext with the steps of an upgrade in the hands of the test,
	// see testdata/evil.
	labEvil = &variant{name: "evil", mark: "evil", sources: evilSources}
	// labFuture is a lab of the time when the state of a master has another
	// version.
	labFuture = &variant{name: "future", mark: "future", sources: futureState}
	// labSecond is a lab whose state has the next version, and labMore one that has
	// more fields in the present one.
	labSecond = &variant{name: "second", mark: "second", sources: secondState}
	labMore   = &variant{name: "more", mark: "more", sources: firstState}
)

// variants guards the processors: one build at a time.
var variants sync.Mutex

// binary builds the variant once.
func (v *variant) binary(t testing.TB) string {
	t.Helper()
	v.once.Do(func() {
		variants.Lock()
		defer variants.Unlock()
		v.path, v.err = v.build()
	})
	if v.err != nil {
		t.Fatal(v.err)
	}
	return v.path
}

func (v *variant) build() (string, error) {
	dir := filepath.Join(filepath.Dir(built.lab), "variant-"+v.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	replaced, err := v.sources(dir)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, text, 0o644); err != nil {
		return "", err
	}
	out := filepath.Join(dir, "wm")
	return out, goBuild(built.tree, out, v.mark, "-overlay", overlay)
}

// otherSelf gives wm another version.
func otherSelf(dir string) (map[string]string, error) {
	return edited(dir, "worker/self.go", `Version = "[^"]*"`, `Version = "`+otherVersion+`"`)
}

// evilSources adds a file to package supervisor.
func evilSources(dir string) (map[string]string, error) {
	replaced, err := otherSelf(dir)
	if err != nil {
		return nil, err
	}
	evil, err := filepath.Abs("testdata/evil/evil.go")
	replaced[filepath.Join(built.tree, "supervisor", "evil.go")] = evil
	return replaced, err
}

// futureState numbers the state five versions higher.
func futureState(dir string) (map[string]string, error) {
	return edited(dir, "ipc/state.go", `StateVersion\s*=\s*\d+`, "StateVersion = 6")
}

// secondState numbers the state one higher, and has more in it.
func secondState(dir string) (map[string]string, error) { return moreState(dir, "2") }

// firstState only has more in it.
func firstState(dir string) (map[string]string, error) { return moreState(dir, "1") }

// moreState is another wm, with more fields in the state of a version.
func moreState(dir, version string) (map[string]string, error) {
	replaced, err := otherSelf(dir)
	if err != nil {
		return nil, err
	}
	more, err := edited(dir, "ipc/state.go", `StateVersion\s*=\s*\d+`, "StateVersion = "+version)
	if err != nil {
		return nil, err
	}
	for _, file := range more {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		fields := regexp.MustCompile(`(type (?:State|ProcessState|SlotState|CallerState) struct \{\n)`)
		text = fields.ReplaceAll(text, []byte("${1}Later map[string]int `json:\"later\"`\n"))
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return nil, err
		}
	}
	maps.Copy(replaced, more)
	return replaced, nil
}

// edited is a file of the tree with one place changed.
func edited(dir, file, pattern, to string) (map[string]string, error) {
	path := filepath.Join(built.tree, file)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	place := regexp.MustCompile(pattern)
	if len(place.FindAll(text, -1)) != 1 {
		return nil, fmt.Errorf("not exactly one %q in %s", pattern, file)
	}
	changed := filepath.Join(dir, filepath.Base(file))
	err = os.WriteFile(changed, place.ReplaceAll(text, []byte(to)), 0o644)
	return map[string]string{path: changed}, err
}

// copyOf is a copy of a binary that the test may break.
func copyOf(t testing.TB, binary string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wm.copy")
	if err := copyFile(binary, path); err != nil {
		t.Fatal(err)
	}
	return path
}
