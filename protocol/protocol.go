package protocol

import "errors"

// Protocol turns the bytes of a connection into messages and back. The author
// of an app writes one by implementing these three methods and gives it to
// Worker.Protocol, or to Register to have a scheme of its own.
type Protocol interface {
	// Input returns the length of the first message in buf, header included,
	// even when that is more than len(buf), and 0 when it cannot tell yet. buf
	// holds all bytes not yet decoded, not only the new ones, and is never
	// empty; it begins with the same byte until that message was decoded. An
	// error closes the connection. Input must bound what it waits for: a
	// length above c.MaxPackage(), or more than that without a length, is an
	// error.
	Input(buf []byte, c Conn) (int, error)
	// Decode turns that message into what the author gets: a []byte for
	// OnMessage, anything else for OnValue. frame may be changed in place and
	// is gone when the callback returns. Skip means that there is nothing to
	// deliver, Again that there is more to do for this frame in a later turn;
	// any other error closes the connection.
	Decode(frame []byte, c Conn) (any, error)
	// Encode appends v to dst as it goes over the wire and returns the longer
	// slice. It may append nothing, which sends nothing. On an error nothing
	// is sent and the author's Send returns it.
	Encode(dst []byte, v any, c Conn) ([]byte, error)
}

// Bytes is implemented by a protocol whose messages are bytes both ways. A
// connection then calls these instead of Decode and Encode, and no message is
// boxed into an interface.
type Bytes interface {
	DecodeBytes(frame []byte, c Conn) ([]byte, error)
	BytesEncoder
}

// BytesEncoder is the half of Bytes for a protocol that sends bytes and
// delivers something else (http: a request), so that Connection.Write does not
// allocate there either.
type BytesEncoder interface {
	EncodeBytes(dst, p []byte, c Conn) ([]byte, error)
}

// BinaryEncoder is implemented by a protocol that tells binary messages from
// text (websocket), for Connection.SendBinary. Without it SendBinary is Write.
type BinaryEncoder interface {
	EncodeBinary(dst, p []byte, c Conn) ([]byte, error)
}

// Opener is implemented by a protocol that speaks first on dialled
// connections: OnConnect runs when the connection stands, after the author's
// OnConnect (features.md 19.21).
type Opener interface{ OnConnect(c Conn) }

// Closer is implemented by a protocol that holds something beyond Conn.State:
// OnClose runs once when the connection is gone, after the author's OnClose
// (features.md 15.12). Nothing can be sent any more.
type Closer interface{ OnClose(c Conn) }

// Forgetter is implemented by a protocol that holds something beyond Conn.State:
// Forget runs when the connection is switched to another protocol, with what
// State was until then; inside the callback of a message not before that has
// returned, and in place of Released. From then on nobody will speak of it.
type Forgetter interface{ Forget(state any, c Conn) }

// Handshaker is implemented by a protocol whose connections begin with a
// handshake (websocket). Limits.HandshakeTimeout bounds it: a connection for
// which Opened is still false then is closed.
type Handshaker interface{ Opened(c Conn) bool }

// Holder is implemented by a protocol that keeps what is sent before its
// handshake is over. Held is how many bytes it keeps: they count as backlog. It
// is 0 as soon as SetState ends the handshake; what was kept is then sent raw
// before the event that tells of it.
type Holder interface{ Held(c Conn) int }

// Finisher is implemented by a protocol that acts on what it has just encoded
// (http: close after this response). Sent runs after the bytes of one Encode
// joined the send buffer, inside the Send that brought them. It may call
// c.Close, also while c is already closing.
type Finisher interface{ Sent(c Conn) }

// Sharer is implemented by a protocol whose encoded bytes may be the same for
// many connections: Encode gives the same bytes for all connections of one
// class, so that a broadcast encodes once for each class. Class 0 is of
// connections that share with nobody; others are small and above 0. Without it
// a broadcast encodes for every connection.
type Sharer interface{ Class(c Conn) int }

// Failer is implemented by a protocol in which every message is owed an answer
// and answers come in the order of the messages (http). The connection delivers
// no message before the one before it was answered, which a Quiescer tells, or
// was passed over by SendRaw, and none while a backlog waits; it ends when an
// answer was refused, because the next one would be taken for it, and its Close
// waits for a peer that has sent more, like End. AppendFailure runs when the
// callback of the message delivered last has panicked before it answered: what
// it appends is sent and ends the connection like a Reject; nothing appended
// ends it at once.
type Failer interface {
	AppendFailure(dst []byte, c Conn) []byte
}

// Releaser is implemented by a protocol that keeps something for the message it
// decoded last. Released runs when the callback has returned, or has panicked;
// frame is still what Decode got.
type Releaser interface{ Released(c Conn) }

// Farewell is implemented by a protocol with a last word of its own
// (websocket: the close frame). AppendFarewell runs once, when this side
// closes the connection in order: after the message given to Close, before
// the flush; never for Destroy, an error or a Reject. Peers that hear it may come
// back at once: where the protocol is no Leaver, a process that is replaced closes
// its connections one after another, see worker.Life.DrainRate.
type Farewell interface {
	AppendFarewell(dst []byte, why Occasion, c Conn) []byte
}

// Occasion is why a connection is closed.
type Occasion int

const (
	// Parting is the author's Close, or the protocol's.
	Parting Occasion = iota
	// Stopping is the end of the process, and most often of the service.
	Stopping
	// Restarting is the end of the process while others go on serving: a reload.
	Restarting
)

// CodeFarewell is implemented by a protocol whose last word can say why
// (websocket), for Connection.CloseCode. AppendCode takes the place of
// AppendFarewell; an error says that code or reason may not travel.
type CodeFarewell interface {
	AppendCode(dst []byte, code int, reason string, c Conn) ([]byte, error)
}

// Quiescer is implemented by a protocol that knows whether a connection rests
// between two messages (http: every request was answered). A drain closes only
// quiet connections. Without it a connection is quiet when no partial message
// is buffered.
type Quiescer interface{ Quiet(c Conn) bool }

// Patient is implemented by a protocol whose peers may not take as long as they
// like over a message that they have begun (http), see worker.Limits. Midway
// says that the beginning of a message, which tells how long it is, has come
// and the rest has not, even if nothing of it is buffered. Late is the error
// that ends a connection whose message does not come; a Reject tells the peer. One
// that takes nothing of what it is sent for as long is destroyed.
type Patient interface {
	Midway(c Conn) bool
	Late(c Conn) error
}

// Leaver is implemented by a protocol that can tell the peer to go (http: the
// next response says Connection: close). Leave runs once per connection, when
// the process begins to drain and before idle connections are closed. A graceful
// drain, which waits for all others, closes idle connections of such a protocol
// too.
type Leaver interface{ Leave(c Conn) }

// Conn is what a protocol may know of the connection; *worker.Connection is
// one. Owned by the loop, like everything a protocol does.
type Conn interface {
	// Dialled says that this side opened the connection.
	Dialled() bool
	// MaxPackage is the largest message, header included, to be accepted.
	MaxPackage() int
	// State is what SetState kept, nil at first. It belongs to the protocol
	// and is forgotten when the protocol of the connection is switched.
	State() any
	SetState(v any)
	// Event tells the author's callbacks of what happened beside messages; the
	// protocol's package has a type for each of its events. It reports whether
	// a callback took it, so that the protocol's own answer is not wanted.
	Event(event any) (taken bool)
	// SendRaw sends a copy of p as it is, past Encode.
	SendRaw(p []byte) error
	// Close sends last through Encode, flushes and closes. Input and Decode
	// are not called again.
	Close(last ...any)
}

var (
	// ErrBad is returned by Input or Decode for bytes that are not in the
	// protocol; wrap it to say why.
	ErrBad = errors.New("protocol: bad packet")
	// Skip is returned by Decode for a frame that was consumed and has nothing
	// for the author.
	Skip = errors.New("protocol: consumed, nothing to deliver")
	// Again is returned by Decode when it has worked long enough on a frame,
	// so that other connections have their turn. The connection keeps the
	// frame, as changed in place so far and maybe elsewhere, and gives it to
	// Decode again in a later turn of the loop, for a datagram at once. Until
	// then it reads no more and calls Input not again. The frame is dropped
	// when the protocol of the connection is switched meanwhile.
	Again = errors.New("protocol: not done with this frame")
	// Wait is returned by Decode after Awaiter.Await: the connection keeps the
	// frame, as changed in place so far and maybe elsewhere, and gives it to
	// Decode again when done has returned. Not for datagrams.
	Wait = errors.New("protocol: waiting before this frame is delivered")
	// ErrBody is returned by BodySender for a second body at once.
	ErrBody = errors.New("protocol: another body is still being sent")
)

// Reject is returned by Input or Decode instead of a plain error when the peer
// is to be told: the connection sends Reply as it is, shuts down its sending
// side and lingers until the peer has read it (features.md 25.16). It is an
// ErrBad to errors.Is.
type Reject struct {
	Reply []byte // shared by many connections: not to be changed
	Why   string
}

func (r *Reject) Error() string { return r.Why }

func (r *Reject) Unwrap() error { return ErrBad }
