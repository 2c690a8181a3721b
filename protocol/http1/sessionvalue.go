package http1

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// marshalValue is v as it is stored. A float64 without a fraction keeps its
// point, so that it comes back as one.
func marshalValue(key string, v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("http1: Session.Set(%q): %v", key, err))
	}
	switch v.(type) {
	case float64, float32:
		if !bytes.ContainsAny(data, ".e") {
			data = append(data, ".0"...)
		}
	}
	return data
}

// unmarshalValue is the value that is stored as data, which is valid.
func unmarshalValue(data json.RawMessage) any {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic("http1: Session.Get: " + err.Error())
	}
	return plainNumbers(v)
}

// plainNumbers makes each json.Number in v an int if it was written as one and
// fits, else a float64.
func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.ParseInt(string(v), 10, strconv.IntSize); err == nil {
			return int(n)
		}
		f, err := v.Float64()
		if err != nil { // beyond all numbers
			return math.Copysign(math.Inf(1), f)
		}
		return f
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = plainNumbers(v[key])
		}
	}
	return v
}
