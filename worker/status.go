package worker

import "errors"

// Status is where a connection is in its life.
type Status int

// The states of a connection, with Workerman's numbers.
const (
	Initial     Status = 0
	Connecting  Status = 1
	Established Status = 2
	Ending      Status = 4  // End was called: half closed, or about to be
	Closing     Status = 8  // Close was called: closes when all is sent
	Closed      Status = 16 // gone
)

// String returns the name that the connections command shows.
func (s Status) String() string {
	switch s {
	case Initial:
		return "INITIAL"
	case Connecting:
		return "CONNECTING"
	case Established:
		return "ESTABLISHED"
	case Ending:
		return "ENDING"
	case Closing:
		return "CLOSING"
	}
	return "CLOSED"
}

// ErrorCode tells OnError what failed, with Workerman's numbers.
type ErrorCode int

// The codes of OnError.
const (
	ConnectFail ErrorCode = 1 // WORKERMAN_CONNECT_FAIL
	SendFail    ErrorCode = 2 // WORKERMAN_SEND_FAIL
)

var (
	// ErrClosed is returned for a connection that is closed or closing:
	// nobody would read the message. OnError is not called.
	ErrClosed = errors.New("worker: connection closed")
	// ErrBufferFull is returned, and given to OnError, when the backlog is
	// at MaxSendBufferSize: the message was dropped, the connection stays
	// open.
	ErrBufferFull = errors.New("worker: send buffer full, message dropped")
	// errNotServing is returned by Listen outside a worker process or for a
	// Worker that already listens.
	errNotServing = errors.New("worker: Listen is for OnWorkerStart, on a Worker of its own")
)
