package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const modulePath = "github.com/workerman-go/wm"

// built is what TestMain made, for all tests to read.
var built struct {
	sample string // the binary of the repository
	lab    string // the binary with the apps of testdata/apps
	labB   string // the same, whose apps say build "b"
	tree   string // the source tree of lab, to be copied by tests that change it
}

// testsPerProcessor is how many tests run at once for each processor: most of the
// time of most tests is waiting.
const testsPerProcessor = 2

func parallelGiven() (given bool) {
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	return given
}

func TestMain(m *testing.M) {
	flag.Parse()
	if !parallelGiven() {
		flag.Set("test.parallel", strconv.Itoa(testsPerProcessor*runtime.GOMAXPROCS(0)))
	}
	if testing.Short() {
		fmt.Println("e2e: skipped by -short")
		return
	}
	os.Exit(run(m))
}

// run makes the test process the reaper of everything that detaches from the
// commands it starts, so that a zombie can be told from a slow init.
func run(m *testing.M) int {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: become subreaper:", err)
		return 1
	}
	dir, err := os.MkdirTemp("", "wm-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := buildAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: build:", err)
		return 1
	}
	stop := reapAdopted()
	defer stop()
	before := openDescriptors()
	code := m.Run()
	if err := chrome.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: browser:", err)
		code = 1
	}
	if after := openDescriptors(); code == 0 && after > before+4 {
		fmt.Fprintf(os.Stderr, "e2e: the tests leak descriptors: %d before, %d after\n", before, after)
		return 1
	}
	return code
}

// buildAll fills built below dir, readable for every user of the machine since
// some tests run the binary as nobody.
func buildAll(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	root, err := filepath.Abs("..")
	if err != nil {
		return err
	}
	built.sample = filepath.Join(dir, "sample", "wm")
	if err := goBuild(root, built.sample, ""); err != nil {
		return err
	}
	built.tree = filepath.Join(dir, "tree")
	if err := labTree(root, built.tree); err != nil {
		return err
	}
	built.lab = filepath.Join(dir, "lab", "wm")
	if err := goBuild(built.tree, built.lab, "a"); err != nil {
		return err
	}
	built.labB = filepath.Join(dir, "lab", "wm.b")
	return goBuild(built.tree, built.labB, "b")
}

// goBuild builds the main package of the module at root. A mark goes into the
// variable that the web app of the lab shows to its clients. The binaries do not
// have the path of their tree in them, so the go tool finds what it has compiled
// again in each copy of the tree, nor what only debuggers read.
func goBuild(root, out, mark string, flags ...string) error {
	args := append([]string{"build", "-buildvcs=false", "-trimpath", "-o", out}, flags...)
	link := "-ldflags=-s -w"
	if mark != "" {
		link += " -X " + modulePath + "/apps/web.build=" + mark
	}
	args = append(args, link)
	cgo := "CGO_ENABLED=0"
	if os.Getenv("E2E_RACE") != "" {
		args, cgo = append(args, "-race"), "CGO_ENABLED=1"
	}
	cmd := exec.Command("go", append(args, ".")...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), cgo)
	if text, err := runCommand(cmd); err != nil {
		return fmt.Errorf("go %s in %s: %w\n%s", strings.Join(args, " "), root, err, text)
	}
	return nil
}
