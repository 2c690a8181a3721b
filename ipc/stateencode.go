package ipc

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// MaxState bounds an encoded state in bytes.
const MaxState = 256 << 20

const (
	stateMagic  = "wmstate\n"
	stateHeader = len(stateMagic) + 4 + 8 + sha256.Size
)

// ErrState is returned by DecodeState for bytes that are no whole state; for
// one of a version that is not served it is ErrVersion.
var ErrState = errors.New("ipc: damaged state")

// Encode returns s as bytes that DecodeState takes. Called by the master.
func (s *State) Encode() ([]byte, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	out := make([]byte, 0, stateHeader+len(body))
	out = append(out, stateMagic...)
	out = binary.LittleEndian.AppendUint32(out, StateVersion)
	out = binary.LittleEndian.AppendUint64(out, uint64(len(body)))
	sum := sha256.Sum256(body)
	return append(append(out, sum[:]...), body...), nil
}

// DecodeState reads what Encode wrote, of this version or the one before.
// Called by the image that takes over, and by its rehearsal.
func DecodeState(text []byte) (*State, error) {
	if len(text) < stateHeader {
		return nil, fmt.Errorf("%w: %d bytes are no header", ErrState, len(text))
	}
	if string(text[:len(stateMagic)]) != stateMagic {
		return nil, fmt.Errorf("%w: magic %q", ErrState, text[:len(stateMagic)])
	}
	head, body := text[len(stateMagic):stateHeader], text[stateHeader:]
	if v := binary.LittleEndian.Uint32(head); v != StateVersion && v+1 != StateVersion || v == 0 {
		return nil, fmt.Errorf("state of version %d, this binary reads %d: %w",
			v, StateVersion, ErrVersion)
	}
	if n := binary.LittleEndian.Uint64(head[4:]); n != uint64(len(body)) {
		return nil, fmt.Errorf("%w: %d bytes of %d", ErrState, len(body), n)
	}
	if sum := sha256.Sum256(body); string(sum[:]) != string(head[12:]) {
		return nil, fmt.Errorf("%w: the checksum is wrong", ErrState)
	}
	s := new(State)
	if err := json.Unmarshal(body, s); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrState, err)
	}
	return s, nil
}
