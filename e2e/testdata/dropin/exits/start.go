// Package exits has a Start that ends the process.
package exits

import "os"

// Start ends the process.
func Start() { os.Exit(5) }
