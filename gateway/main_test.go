package gateway

import (
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"
	"time"
)

// leftPatience is how long what is about to end may take.
const leftPatience = 20 * time.Second

// TestMain checks that the tests leave no goroutine and no descriptor behind.
func TestMain(m *testing.M) {
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil { // opens the poller for good
		l.Close()
	}
	goroutines, files := runtime.NumGoroutine(), leftFiles()
	code := m.Run()
	end := time.Now().Add(leftPatience)
	for code == 0 && !leftFuzzing() && (runtime.NumGoroutine() > goroutines || leftFiles() > files) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			fmt.Fprintf(os.Stderr, "left: %d goroutines (%d before), %d files (%d before)\n%s\n",
				runtime.NumGoroutine(), goroutines, leftFiles(), files,
				stacks[:runtime.Stack(stacks, true)])
			code = 1
		}
		time.Sleep(time.Millisecond)
	}
	os.Exit(code)
}

// leftFuzzing says that the fuzzer's own goroutines and files are there as well.
func leftFuzzing() bool {
	for _, name := range []string{"test.fuzz", "test.fuzzworker"} {
		if v := flag.Lookup(name).Value.String(); v != "" && v != "false" {
			return true
		}
	}
	return false
}

func leftFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	return len(entries)
}
