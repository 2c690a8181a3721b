// Package hangs has a Start that never returns.
package hangs

// Start never returns.
func Start() { select {} }
