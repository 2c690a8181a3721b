package phpserialize

import "strconv"

// Marshal returns v as PHP's serialize() writes it; what is not a value of the package
// comment goes through From.
func Marshal(v any) ([]byte, error) { return Append(nil, v) }

// Append appends what Marshal returns. On an error dst comes back as it was.
func Append(dst []byte, v any) ([]byte, error) {
	e := encoder{dst: dst}
	if err := e.value(v, 0); err != nil {
		return dst, err
	}
	return e.dst, nil
}

// encoder writes a value and counts what it has written as a reader will.
type encoder struct {
	dst    []byte
	number int  // of the value that began last
	custom bool // a C item was written: what follows has no number that we know
}

func (e *encoder) value(v any, depth int) error {
	e.number++
	switch v := v.(type) {
	case nil:
		e.dst = AppendNull(e.dst)
	case bool:
		e.dst = AppendBool(e.dst, v)
	case int64:
		e.dst = AppendInt(e.dst, v)
	case float64:
		e.dst = AppendFloat(e.dst, v)
	case string:
		e.dst = AppendString(e.dst, v)
	case *Array:
		return e.array(v, depth+1)
	case Opaque:
		return e.opaque(v)
	default:
		e.number--
		v, err := From(v)
		if err != nil {
			return err
		}
		return e.value(v, depth)
	}
	return nil
}

func (e *encoder) array(a *Array, depth int) error {
	if a == nil {
		e.dst = AppendNull(e.dst)
		return nil
	}
	if depth > Packets.Depth {
		return ErrTooDeep
	}
	e.dst = AppendArrayHead(e.dst, a.Len())
	for k, v := range a.All() {
		e.dst = AppendKey(e.dst, k)
		if err := e.value(v, depth); err != nil {
			return err
		}
	}
	e.dst = AppendArrayEnd(e.dst)
	return nil
}

// opaque writes an object for the number it has here.
func (e *encoder) opaque(o Opaque) error {
	switch {
	case o.raw == "":
		return ErrType
	case o.refs && e.custom:
		return ErrReference
	}
	e.dst = o.appendTo(e.dst, e.number)
	e.number += int(o.values) - 1
	e.custom = e.custom || o.custom
	return nil
}

// AppendNull appends null. This function and those below write a value piece by piece,
// for lists that are too long to make an Array of first: the head of an array, its keys
// and values in turn, and its end.
func AppendNull(dst []byte) []byte { return append(dst, "N;"...) }

// AppendBool appends a bool.
func AppendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, "b:1;"...)
	}
	return append(dst, "b:0;"...)
}

// AppendInt appends an int, as a value or as a key.
func AppendInt(dst []byte, n int64) []byte {
	dst = append(dst, "i:"...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, ';')
}

// AppendFloat appends a float with the fewest digits that mean it (wire.md 5.2).
func AppendFloat(dst []byte, f float64) []byte {
	dst = append(dst, "d:"...)
	dst = appendDigits(dst, f, 'E')
	return append(dst, ';')
}

// AppendString appends a string value.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, "s:"...)
	dst = strconv.AppendInt(dst, int64(len(s)), 10)
	dst = append(dst, `:"`...)
	dst = append(dst, s...)
	return append(dst, `";`...)
}

// AppendKey appends the key of an entry; KeyOf makes one of a string.
func AppendKey(dst []byte, k Key) []byte {
	if k.isText {
		return AppendString(dst, k.text)
	}
	return AppendInt(dst, k.num)
}

// AppendArrayHead begins an array of n entries. Keys must differ.
func AppendArrayHead(dst []byte, n int) []byte {
	dst = append(dst, "a:"...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, ":{"...)
}

// AppendArrayEnd ends an array.
func AppendArrayEnd(dst []byte) []byte { return append(dst, '}') }
