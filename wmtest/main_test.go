package wmtest

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"
	"time"
)

// TestMain checks that the tests leave no goroutine and no descriptor behind,
// the failing ones too.
func TestMain(m *testing.M) {
	// The first use of net opens the poller of the runtime for good.
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close()
	}
	goroutines, files := runtime.NumGoroutine(), descriptors()
	code := m.Run()
	end := time.Now().Add(patience)
	for code == 0 && (runtime.NumGoroutine() > goroutines || descriptors() > files) {
		if time.Now().After(end) {
			fmt.Fprintf(os.Stderr, "left: %d goroutines (%d before), %d files (%d before)\n%s\n",
				runtime.NumGoroutine(), goroutines, descriptors(), files, stacks())
			code = 1
		}
		time.Sleep(time.Millisecond)
	}
	os.Exit(code)
}

func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	return len(entries)
}
