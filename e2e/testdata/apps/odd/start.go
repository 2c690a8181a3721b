// Package odd has a Start that does what no Start should: E2E_ODD says which.
package odd

import "os"

// Start panics, ends the process or never returns.
func Start() {
	switch os.Getenv("E2E_ODD") {
	case "panic":
		panic("panic on purpose in Start")
	case "exit":
		os.Exit(7)
	case "hang":
		select {}
	}
}
