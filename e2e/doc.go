// Package e2e drives the built binary from outside: it starts it, talks to it
// over real sockets, sends it real signals, counts what comes back and looks at
// what is left. It imports nothing of the module, so it can only know what a
// user knows.
//
// TestMain builds two binaries. The sample is the repository as it is. The lab
// is a copy of the repository whose apps are those of testdata/apps; they take
// addresses and behaviours from environment variables, which every process of
// a service inherits. Each test has a run directory, ports and processes of its
// own, and at its end nothing of them may be left. With E2E_RACE=1 the binaries
// are built with the race detector.
package e2e
