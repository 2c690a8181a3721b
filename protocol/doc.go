// Package protocol says what a protocol is: how bytes become messages and
// messages become bytes. It knows a connection only as Conn, so that protocols
// can be written and tested without a server.
//
//	bytes in --Input--> length of the first frame --Decode--> message
//	message  --Encode-> bytes appended to the send buffer
//
// A Protocol is one value shared by all connections. What it has to remember
// about one of them lies in Conn.State. All methods run in the worker process,
// on the goroutine of its loop, and must not block.
//
// Three methods make a protocol. The other interfaces are offered to protocols
// that need more: Bytes and BytesEncoder spare the hot path an allocation and
// Sharer a broadcast the repetition, BinaryEncoder tells bytes from text, Opener
// and Closer follow the life of a connection, Handshaker and Holder say what
// waits for its handshake, Failer answers for a callback that panicked, Releaser
// and Forgetter let go of what was kept for a message, Finisher, Farewell and
// CodeFarewell have a word when it is closed from this side, Patient when a
// message does not come, Quiescer and Leaver when the process is told to leave.
//
// What a connection offers to them beyond Conn is in beside.go: Awaiter for what
// blocks, BodySender for files, AccessLogger for the log of answers.
package protocol
