// Package listen opens sockets at addresses, for the master: TCP, UDP and Unix
// sockets with the options that its worker processes rely on. It says whether
// an address could be had without taking it, and who has one that is taken. It
// is a leaf and keeps nothing: which socket is kept, lent or closed is for the
// supervisor to decide.
//
//   - open.go: a socket and its options, host.go: how host:port is read,
//     unixsocket.go: the file of a Unix socket
//   - try.go: whether an address could be had, holder.go: who has it
//   - steer.go: which sockets of one port the kernel chooses among
package listen
