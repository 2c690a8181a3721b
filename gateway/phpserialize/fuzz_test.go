package phpserialize

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzUnmarshal: nothing panics or grows without bounds, and what was read is written
// as something that is read as the same value and written as the same bytes.
func FuzzUnmarshal(f *testing.F) {
	vectors := readVectors(f)
	for _, c := range vectors.Serialize {
		f.Add([]byte(c.PHP))
	}
	for _, c := range vectors.Replies {
		f.Add([]byte(c.Payload))
	}
	for _, c := range phpObjects {
		f.Add([]byte(c))
		f.Add([]byte(`a:2:{i:0;i:1;i:1;` + c + `}`))
	}
	f.Add([]byte(doubling(3)))
	f.Add([]byte(`a:2:{i:0;E:4:"Su:H";i:1;r:2;}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := Limits{Depth: 32, Values: 1 << 12, CopiedBytes: 1 << 14}
		v, err := limits.Unmarshal(string(data))
		if err != nil {
			return
		}
		first, err := Marshal(v)
		if err != nil {
			t.Fatalf("%q cannot be written: %v", data, err)
		}
		if len(first) > 16*len(data)+1<<17 {
			t.Fatalf("%d bytes became %d", len(data), len(first))
		}
		again, err := Unmarshal(first)
		if err != nil {
			t.Fatalf("%q became %q: %v", data, first, err)
		}
		second, err := Marshal(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%q became %q and %q: %v", data, first, second, err)
		}
		if !bytes.Contains(data, []byte("NAN")) && !Equal(v, again) {
			t.Fatalf("%q is not what was written, %q", data, first)
		}
		if a, ok := v.(*Array); ok {
			if merged := Merge(a, a); shown(t, merged) != string(first) {
				t.Fatalf("%q over itself is %q", first, shown(t, merged))
			}
		}
	})
}

// FuzzFromJSON: only what encoding/json takes is taken, and showing it again is stable.
func FuzzFromJSON(f *testing.F) {
	for _, c := range readVectors(f).Serialize {
		f.Add([]byte(c.JSON))
	}
	f.Add([]byte(`[{"a":[1,-0.5e+3,"\u00e9\ud83d\ude00"]},true,false,null]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := FromJSON(data)
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q is taken for %v", data, v)
		}
		for round := range 3 { // -0.0 becomes -0 and that 0
			first, err := AppendJSON(nil, v)
			if err != nil {
				return // an infinity
			}
			if v, err = FromJSON(first); err != nil {
				t.Fatalf("%q became %q: %v", data, first, err)
			}
			second, err := AppendJSON(nil, v)
			if err != nil || round > 0 && !bytes.Equal(first, second) {
				t.Fatalf("%q became %q and %q: %v", data, first, second, err)
			}
		}
	})
}
