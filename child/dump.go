package child

import (
	"os"
	"runtime"
)

// maxDump is how much of the stacks is written.
const maxDump = 64 << 10

// dumpStacks shows the master where a process hangs. Runs on a goroutine of
// its own, because stopping the world may have to wait for the loop.
func dumpStacks() {
	stacks := make([]byte, maxDump)
	stacks = stacks[:runtime.Stack(stacks, true)]
	// A pipe that nobody reads any more loses nothing that anybody wants.
	_, _ = os.Stderr.Write(stacks)
}
