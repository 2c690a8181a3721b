package gateway

import (
	"errors"
	"slices"
	"strings"
)

// What a call of the API, or of Event, can fail with. errors.Is finds them also
// below a PartialError.
var (
	// ErrOffline is returned for a client whose Gateway is not of this cluster, or
	// is not connected now: nothing was sent.
	ErrOffline = errors.New("gateway: the Gateway is not connected")
	// ErrTooLarge is returned for what would not fit into one packet
	// (wire.MaxPacketBytes, 10 MiB), and for an answer above Client.MaxAnswer.
	// Nothing was sent to any Gateway.
	ErrTooLarge = errors.New("gateway: too large for one packet")
	// ErrClientID is returned for a client id that is not 20 hex digits.
	ErrClientID = errors.New("gateway: not a client id")
	// ErrUID is returned for a uid that is empty, "0" or not UTF-8: PHP refuses
	// the first two, and cannot send the last.
	ErrUID = errors.New(`gateway: a uid must be UTF-8, not empty and not "0"`)
	// ErrGroup is ErrUID for a group.
	ErrGroup = errors.New(`gateway: a group must be UTF-8, not empty and not "0"`)
	// ErrTarget is returned for a Target that names receivers in two ways.
	ErrTarget = errors.New("gateway: a Target is one of All, Clients, UIDs and Groups")
	// ErrNoRegister is returned while no Register has ever said where the
	// Gateways are.
	ErrNoRegister = errors.New("gateway: no Register answers")
	// ErrNoGateway is returned when the Registers know of no Gateway.
	ErrNoGateway = errors.New("gateway: no Gateway is registered")
	// ErrNoClient is returned by the package functions while Default is nil.
	ErrNoClient = errors.New("gateway: Default is not set")
	// ErrTimeout is returned when Timeout, or the deadline of the context, has
	// gone before a Gateway did what it was asked for.
	ErrTimeout = errors.New("gateway: no answer in time")
	// ErrBadAnswer is returned for an answer that is no answer to the question.
	ErrBadAnswer = errors.New("gateway: bad answer")
	// ErrClosed is returned after Client.Close.
	ErrClosed = errors.New("gateway: the Client is closed")
)

// PartialError says which Gateways did not get what was sent, or did not answer.
// The others did, and the values that come with it are what they said. It is also
// how a call to one Gateway fails.
type PartialError struct {
	// Missing are their inner addresses, "192.168.1.20:2900", in the order of the
	// Registers.
	Missing []string

	causes []error // why, in the same order
}

// Error names the Gateways and why each is missing.
func (e *PartialError) Error() string {
	var b strings.Builder
	b.WriteString("gateway: ")
	for i, address := range e.Missing {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString("Gateway " + address)
		if i < len(e.causes) {
			b.WriteString(": " + strings.TrimPrefix(e.causes[i].Error(), "gateway: "))
		}
	}
	return b.String()
}

// Unwrap returns why each Gateway is missing.
func (e *PartialError) Unwrap() []error { return slices.Clone(e.causes) }

// missing makes a PartialError of what each Gateway has failed with; nil when none
// has.
func missing(addresses []string, errs []error) error {
	e := &PartialError{}
	for i, err := range errs {
		if err != nil {
			e.Missing = append(e.Missing, addresses[i])
			e.causes = append(e.causes, err)
		}
	}
	if e.Missing == nil {
		return nil
	}
	return e
}

// of says why a Gateway is missing; nil when it is not.
func (e *PartialError) of(address string) error {
	if i := slices.Index(e.Missing, address); i >= 0 {
		return e.causes[i]
	}
	return nil
}

// together is one PartialError of two, or the error that is none.
func together(first, second error) error {
	a, aPartial := first.(*PartialError)
	b, bPartial := second.(*PartialError)
	switch {
	case first == nil || second != nil && !bPartial:
		return second
	case second == nil || !aPartial:
		return first
	}
	return &PartialError{
		Missing: slices.Concat(a.Missing, b.Missing), causes: slices.Concat(a.causes, b.causes),
	}
}
