// Package tlsengine is TLS without a socket: crypto/tls over memory, fed and
// drained by an event loop.
//
// An Engine is one side of one connection. The loop gives it what the network
// sent and takes from it what the network shall get:
//
//	network ──Feed──> ┌────────┐ ──Read───> plaintext
//	                  │ Engine │
//	network <─Output─ └────────┘ <──Write── plaintext
//
// crypto/tls cannot stop in the middle of a handshake, so the handshake runs on
// a goroutine, which waits for bytes with its stack and holds a token (Tokens)
// only while it computes. It calls wake when the loop shall look: Progress, then
// Output, then Handshaking. Afterwards there is no goroutine: crypto/tls runs
// inside Read and Write on the loop, sees nothing but whole records, and is told
// to try again later when there is none (a temporary net.Error, which it does
// not remember).
//
// What a caller does, always on its loop:
//
//	socket readable   Feed, then Read until it returns 0, then send Output;
//	                  or, without a copy, Lend, the same, Keep
//	something to say  one Write for all of it, then send Output; or WriteNow,
//	                  which offers records to Sink first
//	wake              Progress, send Output; when Handshaking ends: HandshakeError
//	                  or State, then Read, as data may stand behind the handshake
//	sending Output    write it, Consume what the kernel took, until it is empty
//	end of the socket FeedEnd, then Read until its error
//	in the end        CloseNotify, send Output, Close; after an error only the
//	                  last two, as the alert for the peer is in Output
//
// Memory: an Engine owns buffers only while bytes wait in it, in chunks from
// pools. crypto/tls keeps a buffer of its own for ever, which has the size of the
// largest record it ever received: up to 18 KiB.
package tlsengine
