package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// ErrSecret is returned for who connects without a secret that is a JSON string: it
// is the wrong one, whatever the right one is (wire.md 2.12).
var ErrSecret = errors.New("wire: no secret_key that is a string")

// WorkerHello is the body of WorkerConnect, the first packet of a BusinessWorker.
type WorkerHello struct {
	Key    string // its name and number, "chat:0"
	Secret string // UTF-8
	WM     bool   // it is wm, and understands Welcome, Drain and the IPv6 flag
}

// ClientHello is the body of GatewayClientConnect, the first packet of a client of
// the API.
type ClientHello struct {
	Secret string // UTF-8
}

// Append appends the body, which is Scalar. PHP skips what is for wm alone.
func (h WorkerHello) Append(dst []byte) []byte {
	dst = appendText(append(dst, `{"worker_key":`...), h.Key)
	dst = appendText(append(dst, `,"secret_key":`...), h.Secret)
	if h.WM {
		dst = append(dst, `,"wm":1`...)
	}
	return append(dst, '}')
}

// Append appends the body, which is Scalar.
func (h ClientHello) Append(dst []byte) []byte {
	return append(appendText(append(dst, `{"secret_key":`...), h.Secret), '}')
}

// ParseWorkerHello reads the body of WorkerConnect. The caller compares the secret.
func ParseWorkerHello(p *Packet) (WorkerHello, error) {
	fields, secret, err := hello(p)
	if err != nil {
		return WorkerHello{}, err
	}
	h := WorkerHello{Secret: secret, WM: string(fields["wm"]) == "1"}
	if key, ok := jsonString(fields["worker_key"]); ok && key != "" {
		h.Key = key
		return h, nil
	}
	return WorkerHello{}, fmt.Errorf("%w: no worker_key that is a string", ErrJSON)
}

// ParseClientHello reads the body of GatewayClientConnect. The caller compares the
// secret.
func ParseClientHello(p *Packet) (ClientHello, error) {
	_, secret, err := hello(p)
	return ClientHello{Secret: secret}, err
}

func hello(p *Packet) (fields map[string]json.RawMessage, secret string, err error) {
	if p.Flag&Scalar == 0 || !utf8.Valid(p.Body) {
		return nil, "", fmt.Errorf("%w: body of command %d", ErrJSON, p.Command)
	}
	// RawMessage, because a struct would also take keys in the wrong case.
	if err := json.Unmarshal(p.Body, &fields); err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrJSON, err)
	}
	secret, ok := jsonString(fields["secret_key"])
	if !ok {
		return nil, "", ErrSecret
	}
	return fields, secret, nil
}

// jsonString returns the value of a JSON string; ok is false for other types and
// for none.
func jsonString(raw json.RawMessage) (s string, ok bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	return s, json.Unmarshal(raw, &s) == nil
}
