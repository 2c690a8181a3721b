// Package broken does not compile.
package broken

// Start uses a name that does not exist.
func Start() { thisNameDoesNotExist() }
