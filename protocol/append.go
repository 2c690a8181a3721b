package protocol

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
)

// AppendText appends v as Send prints it: strings and bytes as they are,
// integers, floats and bools as PHP prints them (true is "1", false is
// nothing, 1.0 is "1"), every other value as JSON with plain unicode. Errors,
// channels and functions are refused, because sending one is always a mistake.
// A protocol of your own calls it in Encode for what it does not know itself.
func AppendText(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return append(dst, v...), nil
	case []byte:
		return append(dst, v...), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case error:
		return dst, fmt.Errorf("protocol: a value of type %T (an error) cannot be sent", v)
	case json.Marshaler, encoding.TextMarshaler:
		return appendJSON(dst, v)
	}
	return appendKind(dst, v)
}

// appendKind prints what AppendText does not know by its exact type.
func appendKind(dst []byte, v any) ([]byte, error) {
	rv := reflect.ValueOf(v)
	switch kind := rv.Kind(); {
	case kind == reflect.String:
		return append(dst, rv.String()...), nil
	case kind == reflect.Slice && rv.Type().Elem().Kind() == reflect.Uint8:
		return append(dst, rv.Bytes()...), nil
	case rv.CanInt():
		return strconv.AppendInt(dst, rv.Int(), 10), nil
	case rv.CanUint():
		return strconv.AppendUint(dst, rv.Uint(), 10), nil
	case rv.CanFloat():
		return appendFloat(dst, rv.Float(), rv.Type().Bits()), nil
	case kind == reflect.Bool:
		if rv.Bool() {
			return append(dst, '1'), nil
		}
		return dst, nil
	case kind == reflect.Chan || kind == reflect.Func:
		return dst, fmt.Errorf("protocol: a value of type %T cannot be sent", v)
	}
	return appendJSON(dst, v)
}

// appendJSON prints v without the escapes that are only for HTML.
func appendJSON(dst []byte, v any) ([]byte, error) {
	out := bytes.NewBuffer(dst)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return dst, fmt.Errorf("protocol: a value of type %T cannot be sent: %w", v, err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte{'\n'}), nil
}
