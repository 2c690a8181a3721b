package ipc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Version of the protocol in spec.md that this binary speaks.
const Version = 1

const (
	headerBytes    = 8
	maxRecordBytes = 64 << 10
	maxPieceBytes  = maxRecordBytes - headerBytes
	maxDescriptors = 8

	flagMore = 1 << 0
)

var (
	// ErrMalformed is returned for a record that breaks spec.md; the
	// connection it came from must be closed.
	ErrMalformed = errors.New("ipc: malformed record")
	// ErrTooLarge is returned for a message beyond the bound of its
	// connection, when it is sent and when it is received.
	ErrTooLarge = errors.New("ipc: message too large")
)

// served tells whether a peer of version v is talked to.
func served(v int) bool { return v >= Version-1 && v <= Version+1 && v > 0 }

// appendRecord appends one record. The caller has cut piece to maxPieceBytes.
func appendRecord(dst []byte, t Type, more bool, piece []byte) []byte {
	var flags byte
	if more {
		flags = flagMore
	}
	dst = append(dst, 'w', 'm', Version, byte(t), flags, 0, 0, 0)
	return append(dst, piece...)
}

// parseRecord takes a record apart; piece shares its memory.
func parseRecord(rec []byte) (t Type, more bool, piece []byte, err error) {
	if len(rec) < headerBytes {
		return 0, false, nil, fmt.Errorf("%w: %d bytes are no header", ErrMalformed, len(rec))
	}
	if rec[0] != 'w' || rec[1] != 'm' {
		return 0, false, nil, fmt.Errorf("%w: magic %q", ErrMalformed, rec[:2])
	}
	if !served(int(rec[2])) {
		return 0, false, nil, fmt.Errorf("%w: %d, this is %d", ErrVersion, rec[2], Version)
	}
	if rec[4]&^flagMore != 0 || rec[5]|rec[6]|rec[7] != 0 {
		return 0, false, nil, fmt.Errorf("%w: flags % x", ErrMalformed, rec[4:8])
	}
	return Type(rec[3]), rec[4]&flagMore != 0, rec[headerBytes:], nil
}

// records encodes m as the records to be written one by one.
func records(m Message) ([][]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", m, err)
	}
	return cut(m.Type(), body)
}

// cut makes the records of a body.
func cut(t Type, body []byte) ([][]byte, error) {
	if len(body) > DefaultMaxMessage {
		return nil, fmt.Errorf("%w: type %d of %d bytes", ErrTooLarge, t, len(body))
	}
	var out [][]byte
	for {
		piece := body[:min(len(body), maxPieceBytes)]
		body = body[len(piece):]
		out = append(out, appendRecord(nil, t, len(body) > 0, piece))
		if len(body) == 0 {
			return out, nil
		}
	}
}

// decode makes the message of a joined body; nil for an unknown type.
func decode(t Type, body []byte) (Message, error) {
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, fmt.Errorf("%w: body of type %d is no object", ErrMalformed, t)
	}
	mk, known := blank[t]
	if !known {
		return nil, nil
	}
	m := mk()
	if err := json.Unmarshal(body, m); err != nil {
		return nil, fmt.Errorf("%w: body of type %d: %v", ErrMalformed, t, err)
	}
	return m, nil
}
