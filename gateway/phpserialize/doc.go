// Package phpserialize reads and writes values as PHP's serialize() does: sessions,
// answers of a Gateway, and messages that are arrays travel in this form between Go
// and PHP (wire.md section 5).
//
// A value is one of
//
//	nil      N;             int64    i:5;          string   s:2:"hi"; any bytes
//	bool     b:1;           float64  d:0.5;        *Array   a:1:{i:0;s:2:"hi";}
//	Opaque   O:… C:… E:…    an object of PHP: carried along, never made
//
// and nothing else: From makes one of these of what a Go program has.
//
// An Array is the array of PHP, a list and a map in one: it keeps the order in which
// its keys came, and a key is an int or a string by PHP's own rule (Key). Both decide
// whether PHP takes two arrays for the same one (Equal).
//
// Reading trusts nothing: Limits bound depth, number of values and what references
// can blow up, lengths are compared with what is there before memory is taken, and
// no class is ever looked up. References (R:2;) become copies; a value that contains
// itself is refused. Strings of a value share the memory of what it was read from.
//
// Which file answers what:
//
//	key.go        is "7" an int?                 array.go      Array, its entries
//	unmarshal.go  bytes to values                arrayget.go   Array, one value by type
//	scalar.go     their numbers and strings      marshal.go    values to bytes
//	reference.go  R and r                        float.go      the digits of a float
//	opaque.go     objects of PHP                 limits.go     bounds, errors
//	from.go       Go values to values            merge.go      array_replace_recursive
//	json.go       json_encode                    equal.go      ===
//	fromjson.go   json_decode                    text.go       what PHP prints, and casts
//
// Nothing here locks: a value belongs to one goroutine at a time.
package phpserialize
