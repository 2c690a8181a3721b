package e2e

import (
	"os"
	"os/exec"
	"testing"
)

// need finds a program that a test drives. Without it the test is skipped, or
// fails where WM_TEST_NEEDS=all says that everything is there.
func need(t testing.TB, program, debian string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	const missing = "%s is not installed; `make tools` installs it, or: apt-get install %s"
	if os.Getenv("WM_TEST_NEEDS") == "all" {
		t.Fatalf(missing, program, debian)
	}
	t.Skipf(missing, program, debian)
	return ""
}
