package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"strings"
)

// stream is a connection that carries messages.
type stream interface {
	say(message string) error
	hear() (string, error)
}

// lines is protocol text.
type lines struct {
	l  *link
	in *bufio.Reader
}

func (c *client) openLines(l *link) (stream, error) {
	return &lines{l, bufio.NewReader(l)}, nil
}

func (s *lines) say(message string) error {
	_, err := io.WriteString(s.l, message+"\n")
	return err
}

func (s *lines) hear() (string, error) {
	line, err := s.in.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

// openRelayed is text through the relay, which says when it has reached the
// Worker behind it.
func (c *client) openRelayed(l *link) (stream, error) {
	s, _ := c.openLines(l)
	return s, c.hearUp(s)
}

func (c *client) hearUp(s stream) error {
	got, err := s.hear()
	if err != nil {
		return err
	}
	return c.must("up", got)
}

// frames is protocol frame.
type frames struct {
	l  *link
	in *bufio.Reader
}

func (c *client) openFrames(l *link) (stream, error) {
	return &frames{l, bufio.NewReader(l)}, nil
}

func (s *frames) say(message string) error {
	length := binary.BigEndian.AppendUint32(nil, uint32(4+len(message)))
	_, err := s.l.Write(append(length, message...))
	return err
}

func (s *frames) hear() (string, error) {
	var length [4]byte
	if _, err := io.ReadFull(s.in, length[:]); err != nil {
		return "", err
	}
	message := make([]byte, max(4, binary.BigEndian.Uint32(length[:]))-4)
	_, err := io.ReadFull(s.in, message)
	return string(message), err
}
