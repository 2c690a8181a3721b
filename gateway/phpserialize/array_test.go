package phpserialize

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// shown is v as PHP writes it, for comparisons and messages.
func shown(t testing.TB, v any) string {
	t.Helper()
	data, err := Marshal(v)
	if err != nil {
		t.Fatalf("%v: %v", v, err)
	}
	return string(data)
}

func TestKeysAreIntsByTheRuleOfPHP(t *testing.T) {
	for _, s := range []string{
		"0", "5", "-3", "10", "9223372036854775807", "-9223372036854775807",
		"-9223372036854775808",
	} {
		if k := KeyOf(s); !k.IsInt() || k.String() != s || k != IntKey(k.Int()) {
			t.Errorf("%q is no int key: %+v", s, k)
		}
	}
	for _, s := range []string{
		"", "-", "-0", "00", "01", "-01", "+1", " 1", "1 ", "1.5", "1e3", "0x1", "--1",
		"9223372036854775808", "-9223372036854775809", "99999999999999999999", "1\x00", "abc",
	} {
		if k := KeyOf(s); k.IsInt() || k.String() != s {
			t.Errorf("%q is an int key: %+v", s, k)
		}
	}
}

func TestEntriesKeepTheOrderOfTheirKeys(t *testing.T) {
	a := ArrayOf("b", 1, "5", 2, "a", 3, "", 4, -3, 5)
	a.Set("b", 6)
	a.SetInt(5, 7)
	a.Append(8)
	want := `a:6:{s:1:"b";i:6;i:5;i:7;s:1:"a";i:3;s:0:"";i:4;i:-3;i:5;i:6;i:8;}`
	if got := shown(t, a); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if a.Get("5") != int64(7) || a.GetInt(5) != int64(7) || !a.Has("") || a.Has("c") {
		t.Error("entries are not found")
	}
	if a.Get("c") != nil || a.GetInt(9) != nil || a.HasInt(9) || !a.HasInt(-3) {
		t.Error("entries are found that are not there")
	}
}

func TestAppendTakesTheKeyThatPHPTakes(t *testing.T) {
	a := List("x", "y")
	a.DeleteInt(1)
	a.Append("z") // PHP goes on behind the highest key there ever was
	if got, want := shown(t, a), `a:2:{i:0;s:1:"x";i:2;s:1:"z";}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	b := ArrayOf(-5, "x")
	b.Append("y")
	if got, want := shown(t, b), `a:2:{i:-5;s:1:"x";i:0;s:1:"y";}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	full := NewArray()
	full.SetInt(9223372036854775806, "x")
	full.Append("y")
	if msg := panicOf(func() { full.Append("z") }); !strings.Contains(msg, "no int is left") {
		t.Errorf("a full array takes more: %q", msg)
	}
}

func TestListsAreArraysWithTheirKeysInOrder(t *testing.T) {
	for _, c := range []struct {
		a    *Array
		want bool
	}{
		{nil, true},
		{NewArray(), true},
		{List(1, 2, 3), true},
		{ArrayOf("0", "x", "1", "y"), true},
		{ArrayOf(1, "x", 0, "y"), false},
		{ArrayOf(1, "x"), false},
		{ArrayOf("a", "x"), false},
	} {
		if c.a.IsList() != c.want {
			t.Errorf("%s: list %v", shown(t, c.a), !c.want)
		}
	}
	a := List(1, 2, 3)
	a.DeleteInt(1)
	if a.IsList() {
		t.Error("a list with a gap is a list")
	}
}

func TestCopiesShareNothing(t *testing.T) {
	a := ArrayOf("n", ArrayOf("x", 1), "l", List(1, 2))
	c := a.Clone()
	c.Array("n").Set("x", 2)
	c.Array("l").Append(3)
	c.Set("new", 1)
	want := `a:2:{s:1:"n";a:1:{s:1:"x";i:1;}s:1:"l";a:2:{i:0;i:1;i:1;i:2;}}`
	if got := shown(t, a); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	inner := ArrayOf("x", 1)
	a.Set("n", inner)
	inner.Set("x", 5)
	if a.Array("n").Int("x") != 1 {
		t.Error("what was put into an array still changes it")
	}
	a.Set("self", a)
	if a.Array("self").Has("self") {
		t.Error("an array contains itself")
	}
}

func TestNilArrayReadsAsAnEmptyOne(t *testing.T) {
	var a *Array
	if a.Len() != 0 || a.Get("x") != nil || a.Has("x") || a.Array("x") != nil || a.String("x") != "" {
		t.Error("a nil array has something")
	}
	for range a.All() {
		t.Error("a nil array has entries")
	}
	if a.Clone() != nil {
		t.Error("the copy of nil is something")
	}
}

func TestAWalkMayDeleteAndSet(t *testing.T) {
	a := NewArray()
	for i := range 100 {
		a.Set(fmt.Sprint("k", i), i)
	}
	seen := 0
	for k, v := range a.All() {
		seen++
		a.DeleteKey(k)
		if v.(int64)%10 == 0 {
			a.Set(fmt.Sprint("new", v), v)
		}
		if next := KeyOf(fmt.Sprint("k", v.(int64)+1)); v.(int64)%2 == 0 {
			a.DeleteKey(next)
		}
	}
	if seen != 50 || a.Len() != 10 {
		t.Errorf("seen %d, left %d", seen, a.Len())
	}
}

func TestAWalkGoesOnWhenEntriesMove(t *testing.T) {
	a := NewArray()
	for i := range 60 {
		a.Append(i)
	}
	var seen []string
	for k := range a.All() {
		seen = append(seen, k.String())
		if k != IntKey(5) {
			continue
		}
		for i := 6; i < 55; i++ {
			a.DeleteInt(int64(i))
		}
		a.DeleteInt(0)
		a.Set("new", 1) // drops what was deleted
	}
	if got := strings.Join(seen, " "); got != "0 1 2 3 4 5 55 56 57 58 59" {
		t.Errorf("seen %s", got)
	}
	for range a.All() {
		a.Clear()
	}
	if a.Len() != 0 {
		t.Error("something is left")
	}
}

// TestArrayIsAnOrderedMap runs random calls against the plainest model.
func TestArrayIsAnOrderedMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		a, m := NewArray(), &modelArray{vals: map[Key]any{}}
		span, texts := 1+r.IntN(60), r.IntN(2) == 0
		for step := range 300 {
			n := r.IntN(span)
			k := IntKey(int64(n))
			if texts && r.IntN(3) == 0 {
				k = KeyOf(fmt.Sprint("k", n))
			}
			switch r.IntN(9) {
			case 0, 1:
				a.SetKey(k, step)
				m.set(k, int64(step))
			case 2:
				a.Append(step)
				m.set(IntKey(m.next), int64(step))
			case 3:
				k = IntKey(m.next + int64(r.IntN(3)))
				a.SetKey(k, step)
				m.set(k, int64(step))
			case 4:
				if c := a.Clone(); r.IntN(3) == 0 {
					a = c
				}
			case 5, 6:
				a.DeleteKey(k)
				m.delete(k)
			default:
				if a.GetKey(k) != m.vals[k] {
					t.Fatalf("%v: got %v, want %v", k, a.GetKey(k), m.vals[k])
				}
			}
			m.check(t, a)
		}
	}
}

type modelArray struct {
	keys []Key
	vals map[Key]any
	next int64
}

func (m *modelArray) set(k Key, v any) {
	if _, ok := m.vals[k]; !ok {
		m.keys = append(m.keys, k)
	}
	m.vals[k] = v
	if k.IsInt() {
		m.next = max(m.next, k.Int()+1)
	}
}

func (m *modelArray) delete(k Key) {
	delete(m.vals, k)
	m.keys = slices.DeleteFunc(m.keys, func(x Key) bool { return x == k })
}

func (m *modelArray) check(t *testing.T, a *Array) {
	t.Helper()
	if a.Len() != len(m.keys) {
		t.Fatalf("%d entries, want %d", a.Len(), len(m.keys))
	}
	i := 0
	for k, v := range a.All() {
		if a.GetKey(k) != v {
			t.Fatalf("entry %v is found as %v, not as %v", k, a.GetKey(k), v)
		}
		if k != m.keys[i] || v != m.vals[k] {
			t.Fatalf("entry %d is %v: %v, want %v: %v", i, k, v, m.keys[i], m.vals[m.keys[i]])
		}
		i++
	}
}

// panicOf is the sentence that f panics with.
func panicOf(f func()) (sentence string) {
	defer func() {
		if r := recover(); r != nil {
			sentence = fmt.Sprint(r)
		}
	}()
	f()
	return ""
}

func TestEqualIsIdentityOfPHP(t *testing.T) {
	nan := `a:1:{i:0;d:NAN;}`
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`N;`, `N;`, true},
		{`N;`, `b:0;`, false},
		{`i:1;`, `d:1;`, false},
		{`i:1;`, `s:1:"1";`, false},
		{`d:0;`, `d:-0;`, true},
		{nan, nan, false},
		{`a:0:{}`, `a:0:{}`, true},
		{`a:0:{}`, `N;`, false},
		{`a:2:{i:0;i:1;i:1;i:2;}`, `a:2:{i:1;i:2;i:0;i:1;}`, false},
		{`a:2:{i:0;i:1;i:1;i:2;}`, `a:2:{i:0;i:1;s:1:"1";i:2;}`, true},
		{`a:1:{s:1:"a";a:1:{i:0;i:1;}}`, `a:1:{s:1:"a";a:1:{i:0;i:1;}}`, true},
		{`a:1:{s:1:"a";a:1:{i:0;i:1;}}`, `a:1:{s:1:"a";a:1:{i:0;i:2;}}`, false},
		{`a:1:{i:0;O:1:"F":0:{}}`, `a:1:{i:0;O:1:"F":0:{}}`, true},
		{`a:1:{i:0;O:1:"F":0:{}}`, `a:1:{i:0;O:1:"G":0:{}}`, false},
	} {
		a, err := Unmarshal(c.a)
		b, err2 := Unmarshal(c.b)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if Equal(a, b) != c.want || Equal(b, a) != c.want {
			t.Errorf("%s === %s is not %v", c.a, c.b, c.want)
		}
	}
	a, b := List(1, 2, 3), List(1, 2, 3)
	a.DeleteInt(1)
	if Equal(a, b) {
		t.Error("an array equals one that has more")
	}
	b.DeleteInt(1)
	if !Equal(a, b) {
		t.Error("two arrays with the same gap differ")
	}
	if Equal((*Array)(nil), NewArray()) || !Equal((*Array)(nil), (*Array)(nil)) {
		t.Error("null equals an empty array")
	}
}

func TestMergeLeavesItsArgumentsAlone(t *testing.T) {
	old := ArrayOf("a", List(1, 2, 3), "b", ArrayOf("x", 1))
	over := ArrayOf("a", NewArray(), "b", ArrayOf("x", nil, "y", ArrayOf("z", 1)), "7", true)
	merged := Merge(old, over)
	merged.Array("b").Array("y").Set("z", 9)
	merged.Array("a").Clear()
	want := `a:2:{s:1:"a";a:3:{i:0;i:1;i:1;i:2;i:2;i:3;}s:1:"b";a:1:{s:1:"x";i:1;}}`
	if got := shown(t, old); got != want {
		t.Errorf("the old array is now %s", got)
	}
	want = `a:3:{s:1:"a";a:0:{}s:1:"b";a:2:{s:1:"x";N;s:1:"y";a:1:{s:1:"z";i:1;}}i:7;b:1;}`
	if got := shown(t, over); got != want {
		t.Errorf("the new array is now %s", got)
	}
	if got := shown(t, Merge(nil, old)); got != shown(t, old) {
		t.Errorf("over nothing: %s", got)
	}
	if got := shown(t, Merge(old, nil)); got != shown(t, old) {
		t.Errorf("nothing over: %s", got)
	}
}

func TestSessionsThatAreNoArraysAreNotMerged(t *testing.T) {
	good := `a:1:{s:1:"a";i:1;}`
	for _, c := range []struct{ stored, update string }{
		{good, ""}, {good, "i:5;"}, {good, "N;"}, {good, "x"}, {good, good + "x"},
		{"i:5;", good}, {"N;", good}, {"garbage", good}, {good, `a:1:{i:0;R:1;}`},
	} {
		if got, err := MergeSession(c.stored, c.update); err == nil {
			t.Errorf("%q + %q is %q", c.stored, c.update, got)
		}
	}
	for _, empty := range []string{"", "0"} {
		if got, err := MergeSession(empty, good); err != nil || got != good {
			t.Errorf("%q: got %q, %v", empty, got, err)
		}
	}
}
