package phpserialize

import "errors"

// Limits bound what reading a value may cost. Zero fields are those of Packets.
type Limits struct {
	// Depth is how deep arrays and objects may lie in each other: 128. PHP takes 4096.
	Depth int
	// Values is how many values there may be, those in objects and those that
	// references copy included: 1,048,576 in a packet, 16,777,216 in an answer.
	Values int
	// CopiedBytes is how many bytes the values that references copy may have together,
	// counted as their strings and 16 bytes for each value: 16 MiB.
	CopiedBytes int
}

// Packets are the Limits of Unmarshal; the depth is also that of what is written. They,
// and Replies, are changed in Start if at all: goroutines read them without a lock.
var Packets = Limits{Depth: 128, Values: 1 << 20, CopiedBytes: 16 << 20}

// Replies are the Limits of UnmarshalReply: a Gateway lists all its clients in one.
var Replies = Limits{Depth: 128, Values: 1 << 24, CopiedBytes: 16 << 20}

// What is wrong with a value. Errors say where.
var (
	// ErrSyntax is returned for bytes that are not a serialised value.
	ErrSyntax = errors.New("phpserialize: not a serialised value")
	// ErrTrailing is returned where bytes follow the value.
	ErrTrailing = errors.New("phpserialize: bytes after the value")
	// ErrTooDeep is returned where arrays lie in each other deeper than Limits.Depth.
	ErrTooDeep = errors.New("phpserialize: nested too deeply, or a value that contains itself")
	// ErrTooMany is returned for more values or copied bytes than Limits allow.
	ErrTooMany = errors.New("phpserialize: too many values")
	// ErrReference is returned for a reference to nothing, to what contains it, or into
	// or out of an object, which could not be written again as it was.
	ErrReference = errors.New("phpserialize: reference that cannot be resolved")
	// ErrType is returned for a Go value, or a PHP object, that has no such form.
	ErrType = errors.New("phpserialize: value that cannot be written")
	// ErrUTF8 is returned for a string that is not UTF-8, and so cannot be JSON.
	ErrUTF8 = errors.New("phpserialize: string that is not UTF-8")
	// ErrJSON is returned for bytes that are not one JSON value.
	ErrJSON = errors.New("phpserialize: not JSON")
)

// orDefaults fills zero fields.
func (l Limits) orDefaults() Limits {
	if l.Depth == 0 {
		l.Depth = Packets.Depth
	}
	if l.Values == 0 {
		l.Values = Packets.Values
	}
	if l.CopiedBytes == 0 {
		l.CopiedBytes = Packets.CopiedBytes
	}
	return l
}
