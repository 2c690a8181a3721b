package child

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/worker"
)

// testProgram is the version that the program of the tests has.
const testProgram = "2.4.1"

// TestMain is the worker process or the probe when there is a hand-over: the
// tests start their own binary again.
func TestMain(m *testing.M) {
	h, err := ipc.TakeHandover()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(ipc.ExitHandover)
	}
	if h != nil {
		declareMain()
		os.Exit(Main(h, testProgram, testApps))
	}
	descriptors, goroutines := openDescriptors(), runtime.NumGoroutine()
	code := m.Run()
	if code == 0 && !settles(descriptors, goroutines) {
		fmt.Fprintf(os.Stderr, "descriptors: %d, then %d; goroutines: %d, then %d\n",
			descriptors, openDescriptors(), goroutines, runtime.NumGoroutine())
		code = 1
	}
	os.Exit(code)
}

// settles tells whether everything that the tests opened is given back; a
// goroutine may need a moment to end.
func settles(descriptors, goroutines int) bool {
	until := time.Now().Add(testDeadline)
	for openDescriptors() > descriptors || runtime.NumGoroutine() > goroutines {
		if time.Now().After(until) {
			return false
		}
		runtime.Gosched()
	}
	return true
}

func openDescriptors() int {
	// The test framework and the poller open theirs on first use.
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	count := 0
	for _, entry := range entries {
		target, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err == nil && len(target) > 4 && (target[:4] == "pipe" || target[:4] == "sock") {
			count++
		}
	}
	return count
}

// mainProgramVariable makes the started process declare Workers before Main,
// as a main program that embeds wm does.
const mainProgramVariable = "WM_TEST_MAIN_PROGRAM"

func declareMain() {
	if os.Getenv(mainProgramVariable) == "" {
		return
	}
	w := worker.New("text://127.0.0.1:0")
	w.Name = "embedded"
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
	worker.New("")
	worker.Settings.PidFile = "embedded.pid"
}

// testApps are the apps of the test binary.
var testApps = []worker.App{
	{Name: "echo", Start: startEcho},
	{Name: "chat/gateway", Start: startNothing("gateway", 2)},
	{Name: "chat/business", Start: startNothing("business", 3)},
	{Name: "names", Start: startNames},
	{Name: "panics", Start: func() { panic("no database in Start") }},
	{Name: "exits", Start: func() { os.Exit(3) }},
	{Name: "hangs", Start: func() { select {} }},
	{Name: "secure", Start: startSecure},
	{Name: "early", Start: startEarly},
}

// startNothing declares one Worker without an address and sets the time-out
// of the service to so many seconds.
func startNothing(name string, seconds time.Duration) func() {
	return func() {
		worker.New("").Name = name
		worker.Settings.StopTimeout = seconds * time.Second
	}
}

func startNames() {
	for _, name := range []string{"one", "twice", "twice", "", "7", "a/b"} {
		w := worker.New("")
		if name != "" {
			w.Name = name
		}
	}
	bad := worker.New("nonsense://127.0.0.1:1")
	bad.Name, bad.Count, bad.User, bad.Group = "bad", -1, "nobody", "nogroup"
	bad.Reloadable, bad.Life.MaxProcs = false, 3
	bad.Life.ReadyTimeout, bad.Life.StopTimeout = time.Second, time.Minute
}
