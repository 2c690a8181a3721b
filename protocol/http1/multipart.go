package http1

import "bytes"

// Bounds of multipart bodies.
const (
	maxBoundaryBytes   = 70 // RFC 2046 section 5.1.1
	maxPartHeaderBytes = 16 << 10
	maxBoundaryLine    = 1 << 10 // with the blanks behind a boundary
)

// place is where in a multipart body the next byte lies.
type place uint8

const (
	inPreamble place = iota // at the beginning of a line
	inPreambleLine
	behindBoundary
	inPartHeader // at the CRLF before it
	inPart
	inEpilogue
)

// partReader reads a multipart body (RFC 2046 section 5.1) piece by piece, however
// it was cut, and tells parts what it finds. It holds back only what it cannot
// judge yet: less than a header or a boundary. Lines end with CRLF only.
type partReader struct {
	delimiter []byte // CRLF, two dashes and the boundary
	parts     *parts
	place     place
	held      []byte
	searched  int // so many bytes of an unfinished header
	offset    int // of what is not judged yet, in the body
	skip      int // bytes of the CRLF behind a header, which may begin a delimiter
}

func newPartReader(boundary string, parts *parts) *partReader {
	return &partReader{delimiter: []byte("\r\n--" + boundary), parts: parts}
}

// feed takes the next piece. After an error there is no other.
func (m *partReader) feed(p []byte) error {
	if len(m.held) > 0 {
		m.held = append(m.held, p...)
		p = m.held
	}
	for more := true; more; {
		var n int
		var err error
		if n, more, err = m.step(p); err != nil {
			return err
		}
		p = p[n:]
		m.offset += n
	}
	m.held = append(m.held[:0], p...)
	return nil
}

// finish is the end of the body. The last line needs no CRLF.
func (m *partReader) finish() error {
	if m.place == inEpilogue || m.place == inPreamble && m.closes(m.held) {
		return nil
	}
	return badForm
}

// step judges the beginning of p. more says that it has got on, and that there
// may be more to judge.
func (m *partReader) step(p []byte) (n int, more bool, err error) {
	switch m.place {
	case inPreamble:
		return m.preamble(p)
	case inPreambleLine:
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			return len(p), false, nil
		}
		m.place = inPreamble
		return end + 1, true, nil
	case behindBoundary:
		return m.boundaryLine(p)
	case inPartHeader:
		return m.header(p)
	case inPart:
		return m.content(p)
	}
	return len(p), false, nil
}

// preamble looks for a line that is a boundary and passes over the others.
func (m *partReader) preamble(p []byte) (int, bool, error) {
	dashed := m.delimiter[len(crlf):]
	if !bytes.HasPrefix(p, dashed) {
		if bytes.HasPrefix(dashed, p) {
			return 0, false, nil
		}
		m.place = inPreambleLine
		return 0, true, nil
	}
	line, err := boundedLine(p)
	if err != nil || line == nil {
		return 0, false, err
	}
	rest := line[len(dashed):]
	switch {
	case m.closes(line):
		m.place = inEpilogue
	case endsInBlanks(rest):
		m.place = inPartHeader
		return len(line) - len(crlf), true, nil
	case string(bytes.TrimLeft(rest, " \t")) == "\n":
		return 0, false, badForm // LF alone is no end of a line
	}
	return len(line), true, nil
}

// closes tells whether line ends a body that has no parts.
func (m *partReader) closes(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, m.delimiter[len(crlf):])
	if rest, ok = bytes.CutPrefix(rest, []byte("--")); !ok {
		return false
	}
	return len(bytes.TrimLeft(rest, " \t")) == 0 || endsInBlanks(rest)
}

// boundedLine is the first line, with its LF; nil when it is not complete.
func boundedLine(p []byte) ([]byte, error) {
	end := bytes.IndexByte(p, '\n')
	switch {
	case end < 0 && len(p) <= maxBoundaryLine:
		return nil, nil
	case end < 0 || end > maxBoundaryLine:
		return nil, badForm
	}
	return p[:end+1], nil
}

func endsInBlanks(line []byte) bool { return string(bytes.TrimLeft(line, " \t")) == "\r\n" }

// boundaryLine reads what stands behind a boundary that ended a part.
func (m *partReader) boundaryLine(p []byte) (int, bool, error) {
	if bytes.HasPrefix(p, []byte("--")) {
		m.place = inEpilogue
		return len(p), false, nil
	}
	line, err := boundedLine(p)
	if err != nil || line == nil {
		return 0, false, err
	}
	if !endsInBlanks(line) {
		return 0, false, badForm
	}
	m.place = inPartHeader
	return len(line) - len(crlf), true, nil
}

// header reads the header of a part, up to the CRLF of the blank line behind it.
func (m *partReader) header(p []byte) (int, bool, error) {
	from := max(m.searched-3, 0)
	end := bytes.Index(p[from:], []byte("\r\n\r\n"))
	m.searched = len(p)
	if end < 0 {
		if len(p) >= maxPartHeaderBytes+4 {
			return 0, false, badForm
		}
		return 0, false, nil
	}
	end += from
	lines := p[len(crlf) : end+len(crlf)]
	if end > maxPartHeaderBytes || bytes.Count(lines, crlf) != bytes.Count(lines, []byte{'\n'}) {
		return 0, false, badForm
	}
	m.searched, m.place, m.skip = 0, inPart, len(crlf)
	return end + len(crlf), true, m.parts.begin(lines)
}

// content passes on the bytes of a part, up to the boundary behind it.
func (m *partReader) content(p []byte) (int, bool, error) {
	for from := 0; ; {
		i := bytes.Index(p[from:], m.delimiter)
		if i < 0 {
			n := len(p) - m.beginning(p)
			return n, false, m.emit(p[:n])
		}
		i += from
		behind := i + len(m.delimiter)
		switch delimits(p[behind:]) {
		case isDelimiter:
			m.place = behindBoundary
			if err := m.emit(p[:i]); err != nil {
				return 0, false, err
			}
			m.parts.end()
			return behind, true, nil
		case mayDelimit:
			return i, false, m.emit(p[:i])
		}
		from = behind
	}
}

// beginning is how many bytes at the end of p may begin a delimiter.
func (m *partReader) beginning(p []byte) int {
	for i := max(0, len(p)-len(m.delimiter)+1); i < len(p); i++ {
		if p[i] == '\r' && bytes.HasPrefix(m.delimiter, p[i:]) {
			return len(p) - i
		}
	}
	return 0
}

// emit passes bytes of a part on, without the CRLF before its content.
func (m *partReader) emit(p []byte) error {
	skip := min(m.skip, len(p))
	m.skip -= skip
	if len(p) == skip {
		return nil
	}
	return m.parts.add(p[skip:], m.offset+skip)
}

// ending is whether a boundary in a part ends it.
type ending uint8

const (
	noDelimiter ending = iota
	mayDelimit
	isDelimiter
)

// delimits judges by what follows a boundary, which may be part of a longer word.
func delimits(behind []byte) ending {
	if len(behind) == 0 {
		return mayDelimit
	}
	switch behind[0] {
	case ' ', '\t', '\r', '\n':
		return isDelimiter
	case '-':
		if len(behind) == 1 {
			return mayDelimit
		}
		if behind[1] == '-' {
			return isDelimiter
		}
	}
	return noDelimiter
}
