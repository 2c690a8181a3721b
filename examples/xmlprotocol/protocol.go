package xmlprotocol

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/workerman-go/wm/protocol"
)

// headerBytes is the number of digits in front of the XML.
const headerBytes = 10

// maxLength is what the digits can say.
const maxLength = 9_999_999_999

var (
	errDigits = fmt.Errorf("xmlprotocol: header of other than digits: %w", protocol.ErrBad)
	errShort  = fmt.Errorf("xmlprotocol: length below that of the header: %w", protocol.ErrBad)
	errLong   = fmt.Errorf("xmlprotocol: length above the maximum package size: %w", protocol.ErrBad)
	errHuge   = errors.New("xmlprotocol: message too long for ten digits")
)

// Protocol is the length of the whole frame in ten decimal digits, and XML;
// every message is a T, filled as encoding/xml does (features.md 24.2). The
// manual's own sample has eleven digits and a wrong sum (trap T58).
type Protocol[T any] struct{}

// Input returns the length that the header says, and 0 as long as the header is
// not complete.
func (Protocol[T]) Input(buf []byte, c protocol.Conn) (int, error) {
	if len(buf) < headerBytes {
		return 0, nil
	}
	length, err := strconv.ParseUint(string(buf[:headerBytes]), 10, 64) // takes no sign
	switch {
	case err != nil:
		return 0, errDigits
	case length < headerBytes:
		return 0, errShort
	case length > uint64(c.MaxPackage()):
		return 0, errLong
	}
	return int(length), nil
}

// Decode parses what follows the header. Bad XML closes the connection.
func (Protocol[T]) Decode(frame []byte, _ protocol.Conn) (any, error) {
	var v T
	d := xml.NewDecoder(bytes.NewReader(frame[headerBytes:]))
	d.CharsetReader = charset
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("xmlprotocol: %w: %w", protocol.ErrBad, err)
	}
	return v, nil
}

// Encode appends the length and v: strings and bytes as the XML that they are,
// everything else as encoding/xml prints it.
func (Protocol[T]) Encode(dst []byte, v any, _ protocol.Conn) (_ []byte, err error) {
	var body []byte
	switch v := v.(type) {
	case string:
		body = []byte(v)
	case []byte:
		body = v
	default:
		if body, err = xml.Marshal(v); err != nil {
			return dst, fmt.Errorf("xmlprotocol: %w", err)
		}
	}
	if len(body) > maxLength-headerBytes {
		return dst, errHuge
	}
	return append(fmt.Appendf(dst, "%010d", headerBytes+len(body)), body...), nil
}

// charset reads the encoding that the manual's sample is in. Its bytes are the
// first 256 code points.
func charset(label string, in io.Reader) (io.Reader, error) {
	if !strings.EqualFold(label, "ISO-8859-1") {
		return nil, fmt.Errorf("encoding %q is not supported", label)
	}
	latin1, err := io.ReadAll(in)
	utf8 := make([]rune, len(latin1))
	for i, b := range latin1 {
		utf8[i] = rune(b)
	}
	return strings.NewReader(string(utf8)), err
}
