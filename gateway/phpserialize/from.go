package phpserialize

import (
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
)

// From makes a value of the package comment of what a Go program has:
//
//   - ints and uints become int64, a uint above that is an error; float32 becomes the
//     float64 of the same decimal text; []byte becomes a string
//   - slices and Go arrays become lists, nil ones too
//   - maps with string or int keys become Arrays in the order of their keys, strings
//     by their bytes, so that the same map is always the same Array
//   - a json.Number becomes an int64 where it is one, else a float64
//   - structs, and what has MarshalJSON or MarshalText, become what json_decode makes of
//     their JSON: tags count, a float without a fraction becomes an int
//   - pointers and interfaces become what they hold, nil becomes null
//   - an *Array is copied
//
// Everything else is an ErrType (an error value too: sending one is a mistake), what lies
// too deep or contains itself an ErrTooDeep, and more values than Packets.Values
// an ErrTooMany.
func From(v any) (any, error) {
	switch v.(type) {
	case nil, bool, int64, float64, string, Opaque:
		return v, nil
	}
	c := converter{}
	return c.value(v, 0)
}

// converter counts what From makes.
type converter struct{ values int }

func (c *converter) value(v any, depth int) (any, error) {
	if c.values++; c.values > Packets.Values {
		return nil, ErrTooMany
	}
	switch v := v.(type) {
	case nil, bool, int64, float64, string, Opaque:
		return v, nil
	case int:
		return int64(v), nil
	case []byte:
		return string(v), nil
	case *Array:
		return c.array(v, depth)
	case []any:
		return c.list(len(v), func(i int) any { return v[i] }, depth)
	case map[string]any:
		return c.stringMap(v, depth)
	case json.Number:
		return number(v.String())
	case error:
		return nil, fmt.Errorf("%w: %T (an error)", ErrType, v)
	case json.Marshaler, encoding.TextMarshaler:
		return c.throughJSON(v, depth)
	}
	return c.kind(reflect.ValueOf(v), depth)
}

// kind converts what value does not know by its exact type.
func (c *converter) kind(v reflect.Value, depth int) (any, error) {
	switch kind := v.Kind(); {
	case kind == reflect.String:
		return v.String(), nil
	case kind == reflect.Bool:
		return v.Bool(), nil
	case v.CanInt():
		return v.Int(), nil
	case v.CanUint():
		if v.Uint() > math.MaxInt64 {
			return nil, fmt.Errorf("%w: %d is above the ints of PHP", ErrType, v.Uint())
		}
		return int64(v.Uint()), nil
	case kind == reflect.Float32:
		return strconv.ParseFloat(strconv.FormatFloat(v.Float(), 'g', -1, 32), 64)
	case kind == reflect.Float64:
		return v.Float(), nil
	case kind == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		return string(v.Bytes()), nil
	case kind == reflect.Slice || kind == reflect.Array:
		return c.list(v.Len(), func(i int) any { return v.Index(i).Interface() }, depth)
	case kind == reflect.Map:
		return c.otherMap(v, depth)
	case kind == reflect.Pointer && v.IsNil():
		return nil, nil
	case kind == reflect.Pointer:
		return c.pointer(v, depth)
	case kind == reflect.Struct:
		return c.throughJSON(v.Interface(), depth)
	}
	return nil, fmt.Errorf("%w: %s", ErrType, v.Type())
}

// pointer counts as a level, so that a pointer to itself ends.
func (c *converter) pointer(v reflect.Value, depth int) (any, error) {
	if depth > Packets.Depth {
		return nil, ErrTooDeep
	}
	return c.value(v.Elem().Interface(), depth+1)
}

func (c *converter) array(a *Array, depth int) (any, error) {
	if a == nil {
		return nil, nil
	}
	if depth++; depth > Packets.Depth {
		return nil, ErrTooDeep
	}
	made := &Array{vals: make([]any, 0, a.Len())}
	for k, v := range a.All() {
		v, err := c.value(v, depth)
		if err != nil {
			return nil, err
		}
		made.put(k, v)
	}
	made.next = a.next
	return made, nil
}

func (c *converter) list(n int, at func(int) any, depth int) (any, error) {
	if depth++; depth > Packets.Depth {
		return nil, ErrTooDeep
	}
	made := &Array{}
	for i := range n {
		v, err := c.value(at(i), depth)
		if err != nil {
			return nil, err
		}
		made.put(IntKey(int64(i)), v)
	}
	return made, nil
}

func (c *converter) stringMap(m map[string]any, depth int) (any, error) {
	if depth++; depth > Packets.Depth {
		return nil, ErrTooDeep
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	made := &Array{}
	for _, name := range names {
		v, err := c.value(m[name], depth)
		if err != nil {
			return nil, err
		}
		made.put(KeyOf(name), v)
	}
	return made, nil
}

// otherMap converts maps of other types than map[string]any.
func (c *converter) otherMap(m reflect.Value, depth int) (any, error) {
	if depth++; depth > Packets.Depth {
		return nil, ErrTooDeep
	}
	var entries []mapEntry
	for k, v := range m.Seq2() {
		key, err := mapKey(k)
		if err != nil {
			return nil, err
		}
		e := mapEntry{key: key, v: v}
		if k.Kind() == reflect.String {
			e.name = k.String()
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b mapEntry) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.key.num, b.key.num))
	})
	made := &Array{}
	for _, e := range entries {
		v, err := c.value(e.v.Interface(), depth)
		if err != nil {
			return nil, err
		}
		made.put(e.key, v)
	}
	return made, nil
}

// mapEntry is an entry of a map; name is its key when that is a string.
type mapEntry struct {
	name string
	key  Key
	v    reflect.Value
}

// mapKey is the key of a map: a string or an int of any type.
func mapKey(k reflect.Value) (Key, error) {
	switch {
	case k.Kind() == reflect.String:
		return KeyOf(k.String()), nil
	case k.CanInt():
		return IntKey(k.Int()), nil
	case k.CanUint() && k.Uint() <= math.MaxInt64:
		return IntKey(int64(k.Uint())), nil
	}
	return Key{}, fmt.Errorf("%w: a map with keys of type %s", ErrType, k.Type())
}

// throughJSON converts what says itself how it is shown.
func (c *converter) throughJSON(v any, depth int) (any, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%w: %T: %w", ErrType, v, err)
	}
	made, err := decodeJSON(string(data), depth)
	if err != nil {
		return nil, fmt.Errorf("%T as JSON: %w", v, err)
	}
	return made, nil
}

// number is a number of JSON as json_decode takes it.
func number(text string) (any, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	if !plainFloat(text) {
		return nil, fmt.Errorf("%w: %q is not a number", ErrType, text)
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range: an infinity, as in PHP
	return f, nil
}
