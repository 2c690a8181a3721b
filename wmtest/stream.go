package wmtest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"time"
)

// maxDatagram is more than one can have.
const maxDatagram = 64 << 10

// stream is raw bytes, lines, counted messages, and datagrams of these.
type stream struct {
	net.Conn
	r        *bufio.Reader
	patience time.Duration
	packets  bool
	pack     func(message []byte) []byte
	unpack   func(r *bufio.Reader, want string) (string, error)
}

func newStream(conn net.Conn, f found, kind string, patience time.Duration) *stream {
	s := &stream{
		Conn: conn, r: bufio.NewReaderSize(conn, maxDatagram), patience: patience,
		packets: f.d.Transport == "udp",
	}
	switch kind {
	case "text":
		s.pack, s.unpack = packLine, unpackLine
	case "frame":
		s.pack, s.unpack = packCounted, unpackCounted
	default:
		s.pack, s.unpack = packRaw, unpackRaw
		if s.packets {
			s.unpack = unpackDatagram
		}
	}
	return s
}

func (s *stream) send(v any) error {
	message, err := encode(v)
	if err != nil {
		return err
	}
	if err := s.SetWriteDeadline(time.Now().Add(s.patience)); err != nil {
		return err
	}
	_, err = s.Write(s.pack(message))
	return err
}

func (s *stream) receive(want string, until time.Time) (string, error) {
	if err := s.SetReadDeadline(until); err != nil {
		return "", err
	}
	return s.unpack(s.r, want)
}

func (s *stream) close() { s.Close() }
func (s *stream) abort() { s.Close() }

func packRaw(message []byte) []byte { return message }

// unpackRaw reads as much as want has. Where it differs the failure shows all
// that is there.
func unpackRaw(r *bufio.Reader, want string) (string, error) {
	var got []byte
	for {
		if _, err := r.Peek(1); err != nil {
			return string(got), err
		}
		some, err := r.Peek(r.Buffered())
		if err != nil {
			return string(got), err
		}
		if left := len(want) - len(got); left > 0 && len(some) > left {
			some = some[:left]
		}
		got = append(got, some...)
		if _, err := r.Discard(len(some)); err != nil {
			return string(got), err
		}
		switch {
		case !strings.HasPrefix(want, string(got)):
			rest, err := r.Peek(r.Buffered())
			return string(got) + string(rest), err
		case len(got) >= len(want):
			return string(got), nil
		}
	}
}

// unpackDatagram reads one: the buffer holds no more.
func unpackDatagram(r *bufio.Reader, _ string) (string, error) {
	return unpackRaw(r, "")
}

func packLine(message []byte) []byte { return append(message[:len(message):len(message)], '\n') }

func unpackLine(r *bufio.Reader, _ string) (string, error) {
	line, err := r.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

const countBytes = 4

var errCount = errors.New("a frame whose length does not count itself")

func packCounted(message []byte) []byte {
	n := uint32(countBytes + len(message))
	return append(binary.BigEndian.AppendUint32(nil, n), message...)
}

func unpackCounted(r *bufio.Reader, _ string) (string, error) {
	var count [countBytes]byte
	if _, err := io.ReadFull(r, count[:]); err != nil {
		return "", err
	}
	n := int64(binary.BigEndian.Uint32(count[:])) - countBytes
	if n < 0 {
		return "", errCount
	}
	message, err := io.ReadAll(io.LimitReader(r, n))
	if err == nil && int64(len(message)) < n {
		err = io.ErrUnexpectedEOF
	}
	return string(message), err
}
