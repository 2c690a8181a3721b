// Package panics has a Start that panics.
package panics

// Start panics.
func Start() { panic("dropped in and gone wrong") }
