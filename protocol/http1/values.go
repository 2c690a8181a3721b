package http1

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/workerman-go/wm/protocol"
)

// Values are the variables of a query or a form by PHP's rules (features.md
// 26.1, trap T69). A value is a string or, for names with brackets, Values
// again: a[b]=1 is Values{"a": Values{"b": "1"}}. A list is Values, too, with
// the keys "0", "1" and so on: a[]=x&a[]=y is Values{"a": Values{"0": "x",
// "1": "y"}}, and Values.List returns it in order. Of a JSON body there may also
// be a bool, a json.Number and nil.
//
// As in PHP, the last of several values of a name counts, and a dot, a blank or
// a bracket that is never closed is an underscore in it.
type Values map[string]any

// MaxInputVars is how many variables of a query or a form are looked at; those
// behind them are ignored, as PHP does with max_input_vars. It bounds the memory
// and the time that a request costs. Set it in Start.
var MaxInputVars = 1000

const (
	// maxInputDepth is how many brackets a name may have, as in PHP. A variable
	// with more is ignored.
	maxInputDepth = 64
	// arraysPerVar bounds the arrays that are made for all variables, because
	// short names can ask for many: a variable beyond arraysPerVar times
	// MaxInputVars arrays is ignored.
	arraysPerVar = 8
)

// Get is the text of name, or def when there is none. A name with brackets
// reaches into arrays: "a[b]". What JSON has beside text is printed as Send
// does; an array has no text.
func (v Values) Get(name string, def ...string) string {
	value, found := v.find(name)
	if !found || value == nil {
		return orDefault("", false, def)
	}
	switch value := value.(type) {
	case string:
		return value
	case Values:
		return orDefault("", false, def)
	}
	text, err := protocol.AppendText(nil, value)
	return orDefault(string(text), err == nil, def)
}

// Values is the array name, which may have brackets as for Get, or nil.
func (v Values) Values(name string) Values {
	value, _ := v.find(name)
	inner, _ := value.(Values)
	return inner
}

// List is the text of each element of the array name, in the order of the keys:
// numbers first. Elements that are arrays themselves are left out.
func (v Values) List(name string) []string {
	inner := v.Values(name)
	var list []string
	for _, key := range slices.SortedFunc(maps.Keys(inner), compareKeys) {
		if _, array := inner[key].(Values); !array {
			list = append(list, inner.Get(key))
		}
	}
	return list
}

// compareKeys has numbers before texts.
func compareKeys(a, b string) int {
	m, first := integer(a)
	n, second := integer(b)
	switch {
	case first && second && m < n, first && !second:
		return -1
	case first && second && m > n, second && !first:
		return 1
	case first:
		return 0
	}
	return strings.Compare(a, b)
}

// MarshalJSON prints a list as a list, as json_encode does: Values whose keys are
// 0, 1 and so on. All others are objects, empty ones too.
func (v Values) MarshalJSON() ([]byte, error) {
	list := make([]any, len(v))
	for i := range list {
		value, found := v[strconv.Itoa(i)]
		if !found {
			return plainJSON(map[string]any(v))
		}
		list[i] = value
	}
	if len(list) == 0 {
		return []byte("{}"), nil
	}
	return plainJSON(list)
}

// plainJSON leaves to the caller whether < and & are escaped.
func plainJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return out.Bytes(), err
}

// find looks for the name as it is, which a JSON body may have with any bytes,
// and then by PHP's rules.
func (v Values) find(name string) (any, bool) {
	if value, found := v[name]; found {
		return value, true
	}
	base, indexes, ok := splitName(name)
	if !ok {
		return nil, false
	}
	value, found := v[base]
	for _, index := range indexes {
		inner, _ := value.(Values)
		value, found = inner[index]
	}
	return value, found
}

// splitName takes the name of a variable apart by PHP's rules: a[b][] has the
// indexes "b" and "". It reports false for a name that is ignored.
func splitName(name string) (base string, indexes []string, ok bool) {
	name, _, _ = strings.Cut(strings.TrimLeft(name, " "), "\x00")
	open := strings.IndexByte(name, '[')
	if open < 0 {
		return underscored(name), nil, name != ""
	}
	if open == 0 {
		return "", nil, false
	}
	base = underscored(name[:open])
	for rest := name[open:]; len(rest) > 0 && rest[0] == '['; {
		index, behind, closed := cutIndex(rest[1:])
		if !closed {
			if indexes == nil {
				return base + "_" + underscored(rest[1:]), nil, true
			}
			break
		}
		if indexes = append(indexes, index); len(indexes) > maxInputDepth {
			return "", nil, false
		}
		rest = behind
	}
	return base, indexes, true
}

// cutIndex returns what stands before the closing bracket; a single blank is
// nothing.
func cutIndex(s string) (index, behind string, closed bool) {
	if len(s) > 1 && s[1] == ']' && strings.IndexByte(" \t\n\v\f\r", s[0]) >= 0 {
		return "", s[2:], true
	}
	return strings.Cut(s, "]")
}

func underscored(name string) string {
	if !strings.ContainsAny(name, ". [") {
		return name
	}
	return underscores.Replace(name)
}

var underscores = strings.NewReplacer(".", "_", " ", "_", "[", "_")

// table is an array that is being filled: Values, and what is needed to go on.
type table struct {
	values Values
	inner  map[string]*table // those of values that are arrays
	next   int64             // the key for []
	room   *int              // for so many more arrays, in all
}

func newTable() *table {
	room := arraysPerVar * MaxInputVars
	return &table{values: Values{}, next: math.MinInt64, room: &room}
}

// set puts value where the indexes say and writes the keys that it chose for
// empty ones into them. It reports false when there is no next key, and no room.
func (t *table) set(base string, indexes []string, value any) bool {
	key := base
	for i := range indexes {
		if t = t.array(key); t == nil {
			return false
		}
		if indexes[i] == "" {
			indexes[i] = strconv.FormatInt(max(t.next, t.first()), 10)
			if _, taken := t.values[indexes[i]]; taken {
				return false
			}
		}
		key = indexes[i]
	}
	t.put(key, value)
	delete(t.inner, key)
	return true
}

// first is 0, unless there are only keys below it.
func (t *table) first() int64 {
	if t.next == math.MinInt64 {
		return 0
	}
	return t.next
}

func (t *table) put(key string, value any) {
	t.values[key] = value
	if n, ok := integer(key); ok && n >= t.next {
		t.next = n
		if n < math.MaxInt64 {
			t.next++
		}
	}
}

// array is the array with that key, made where there is none and room for it.
func (t *table) array(key string) *table {
	inner := t.inner[key]
	if inner == nil {
		if *t.room <= 0 {
			return nil
		}
		*t.room--
		inner = &table{values: Values{}, next: math.MinInt64, room: t.room}
		if t.inner == nil {
			t.inner = map[string]*table{}
		}
		t.inner[key] = inner
		t.put(key, inner.values)
	}
	return inner
}

// integer reads a key that PHP takes for a number.
func integer(key string) (int64, bool) {
	if key == "" || key[0] != '-' && (key[0] < '0' || key[0] > '9') {
		return 0, false
	}
	n, err := strconv.ParseInt(key, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == key
}
