// Package wayback is the master side, and the first of wm to run in it: while a
// new image of the master has not taken over yet, it executes the old one again
// when that takes too long.
//
// The new image runs what an author has written before it comes to wm: the init
// of packages, and main up to cli.Main. That may hang, in a dial or a lookup,
// and meanwhile nobody fills slots or answers a command. So the guard begins in
// an init itself:
//
//	exec ─> init of wayback ─> init of other packages ─> main ─> Disarm ─> commit
//	            └─ guard ── after Limit: exec of the old image
//
// Packages are initialised in the order of their paths, each as soon as all
// that it imports are. Wayback imports nothing behind package syscall, and
// stands before os and time in that order: it is initialised before every
// package that imports one of these, and so before all that import a package of
// wm. What is initialised earlier is not guarded. Nor is the end of the process:
// a panic or an exit in an init cannot be caught from outside of it.
package wayback
