package protocol

import (
	"io"
	"net/netip"
)

// What a connection of a Worker offers to protocols beside Conn. A protocol asks
// for it with a type assertion, because it is for few of them, and must do
// without where a test has connections of its own.

// Awaiter lets a protocol do what may block.
type Awaiter interface {
	// Await runs work on a goroutine of its own and then done on the loop. Until
	// done has returned no message is delivered, and what is sent, the message
	// that is being encoded included, waits as backlog. When the connection is
	// closed by then done is not called: work has to leave nothing behind that
	// Closer.OnClose and Forgetter.Forget do not know of. A panic of work is
	// logged, counted, and ends the connection. At most 1,024 run at once in a
	// process, the others wait, and a process that is told to leave waits for
	// them. Several calls may overlap. Called on the loop goroutine, also in
	// OnClose: then only work is run.
	Await(work, done func())
}

// StoreAwaiter is Awaiter for work that asks a store which may hang. At most 1,024
// loads and as many saves run at once, each in places of their own, so that neither
// what comes by Await nor worker.Go has to wait for the store, nor a save for
// loads that wait for it.
type StoreAwaiter interface {
	AwaitLoad(work, done func())
	AwaitSave(work, done func())
	// RunBeside runs work in a place of the loads, and holds nobody up. A panic of
	// it is logged and counted.
	RunBeside(work func())
}

// BodySender sends what is too large to be held in memory.
type BodySender interface {
	// SendBody has b follow the message that is being encoded, or what was
	// sent before, with back-pressure: what is sent later comes behind it, and
	// Close waits for it. It is called in Encode, last. The connection closes
	// b.File when it is done with it, also when that is at the end of the
	// connection, but not after an error: ErrBody says that another body is
	// still under way. A file that turns out to be shorter ends the connection.
	// Called on the loop goroutine.
	SendBody(b Body) error
}

// Body is a piece of a file, in bytes; what is there from Offset on must be at
// least Length. File may have a method Descriptor() int: that of a regular file,
// which the kernel sends by itself where nothing has to be encrypted.
type Body struct {
	File           File
	Offset, Length int64
}

// File is where a Body is read from. ReadAt is called on the loop goroutine and
// must not wait for anything but a local disk.
type File interface {
	io.ReaderAt
	io.Closer
}

// AccessLogger is a connection whose Worker may keep a log of its answers. A
// protocol asks once for each connection.
type AccessLogger interface {
	// AccessLog returns the log, nil when there is none.
	AccessLog() AccessLog
}

// AccessLog takes answers. Add never blocks and keeps nothing of a. Called on the
// loop goroutine.
type AccessLog interface{ Add(a Answer) }

// Answer is what an access log says of one. What the client said is as it came:
// the log makes it harmless.
type Answer struct {
	Request        []byte // the first line, without its end
	Referer, Agent []byte // header lines; empty: none
	Forwarded      string // what a Proxied connection says of the client; empty: nothing
	Status         int
	Bytes          int64 // of the body as it is sent; below 0: not known
}

// Proxied is a connection whose peer may be a proxy that says in each request who
// the client is.
type Proxied interface {
	// Proxied reports that the peer is trusted to say it.
	Proxied() bool
	// Forwarded is the client in what it has said, the value of X-Forwarded-For or
	// X-Real-IP, and the peer where that names nobody.
	Forwarded(list string) netip.AddrPort
}
