package phpserialize

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

type named string

type numbered uint8

type person struct {
	Name string  `json:"name"`
	Age  int     `json:"age"`
	Tall float64 `json:"tall"`
	Note string  `json:"note,omitempty"`
	self any
}

func TestGoValuesBecomeThoseOfPHP(t *testing.T) {
	seven := 7
	var noPointer *int
	var noArray *Array
	for _, c := range []struct {
		in   any
		want string
	}{
		{nil, `N;`},
		{noPointer, `N;`},
		{noArray, `N;`},
		{true, `b:1;`},
		{5, `i:5;`},
		{int8(-5), `i:-5;`},
		{uint16(5), `i:5;`},
		{uint64(math.MaxInt64), `i:9223372036854775807;`},
		{numbered(3), `i:3;`},
		{&seven, `i:7;`},
		{1.5, `d:1.5;`},
		{float32(0.1), `d:0.1;`},
		{"é", `s:2:"é";`},
		{named("x"), `s:1:"x";`},
		{[]byte{0xff, 0}, "s:2:\"\xff\x00\";"},
		{[]any{1, "a", nil}, `a:3:{i:0;i:1;i:1;s:1:"a";i:2;N;}`},
		{[]string{"a"}, `a:1:{i:0;s:1:"a";}`},
		{[]string(nil), `a:0:{}`},
		{[2]int{1, 2}, `a:2:{i:0;i:1;i:1;i:2;}`},
		{[][]int{{1}, nil}, `a:2:{i:0;a:1:{i:0;i:1;}i:1;a:0:{}}`},
		{map[string]any{"b": 1, "a": []int{2}}, `a:2:{s:1:"a";a:1:{i:0;i:2;}s:1:"b";i:1;}`},
		{map[string]any(nil), `a:0:{}`},
		{map[named]int{"7": 1, "07": 2}, `a:2:{s:2:"07";i:2;i:7;i:1;}`},
		{map[named]int{"10": 1, "9": 2}, `a:2:{i:10;i:1;i:9;i:2;}`},
		{map[string]any{"10": 1, "9": 2}, `a:2:{i:10;i:1;i:9;i:2;}`},
		{map[int]string{10: "b", 9: "a", -1: "c"}, `a:3:{i:-1;s:1:"c";i:9;s:1:"a";i:10;s:1:"b";}`},
		{map[uint8]bool{1: true}, `a:1:{i:1;b:1;}`},
		{json.Number("5"), `i:5;`},
		{json.Number("5.5"), `d:5.5;`},
		{json.Number("1e3"), `d:1000;`},
		{json.RawMessage(`{"b":1,"a":[]}`), `a:2:{s:1:"b";i:1;s:1:"a";a:0:{}}`},
		{time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC), `s:20:"2020-01-02T03:04:05Z";`},
		{person{Name: "Al", Age: 7, Tall: 1}, `a:3:{s:4:"name";s:2:"Al";s:3:"age";i:7;s:4:"tall";i:1;}`},
		{&person{Name: "Al"}, `a:3:{s:4:"name";s:2:"Al";s:3:"age";i:0;s:4:"tall";i:0;}`},
		{[]any{ArrayOf("x", List(1))}, `a:1:{i:0;a:1:{s:1:"x";a:1:{i:0;i:1;}}}`},
	} {
		v, err := From(c.in)
		if err != nil {
			t.Errorf("%T %v: %v", c.in, c.in, err)
			continue
		}
		if got := shown(t, v); got != c.want {
			t.Errorf("%T %v: got %s, want %s", c.in, c.in, got, c.want)
		}
		if got := shown(t, c.in); got != c.want {
			t.Errorf("Marshal(%T): got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestGoValuesThatPHPCannotHaveAreRefused(t *testing.T) {
	cycle := []any{nil}
	cycle[0] = cycle
	ring := map[string]any{}
	ring["ring"] = ring
	var pointer any
	pointer = &pointer
	own := &person{}
	own.self = own
	wide := []any{1, 1, 1, 1, 1, 1, 1, 1}
	for range 10 {
		wide = []any{wide, wide, wide, wide, wide, wide, wide, wide}
	}
	for _, c := range []struct {
		in   any
		want error
	}{
		{make(chan int), ErrType},
		{func() {}, ErrType},
		{1i, ErrType},
		{uint64(math.MaxInt64 + 1), ErrType},
		{errors.New("x"), ErrType},
		{map[float64]int{1: 1}, ErrType},
		{map[uint64]int{math.MaxUint64: 1}, ErrType},
		{[]any{map[string]any{"x": make(chan int)}}, ErrType},
		{struct{ C chan int }{}, ErrType},
		{json.Number("x"), ErrType},
		{cycle, ErrTooDeep},
		{ring, ErrTooDeep},
		{pointer, ErrTooDeep},
		{wide, ErrTooMany},
	} {
		if v, err := From(c.in); !errors.Is(err, c.want) {
			t.Errorf("%T: got %v, %v, want %v", c.in, v, err, c.want)
		}
	}
	if v, err := From(own); err != nil || v.(*Array).Len() != 3 {
		t.Errorf("a field that JSON does not show: %v, %v", v, err)
	}
}

func TestArraysSayWhatTheyCannotHold(t *testing.T) {
	for _, f := range []func(){
		func() { NewArray().Set("x", make(chan int)) },
		func() { NewArray().SetInt(1, func() {}) },
		func() { NewArray().Append(errors.New("x")) },
		func() { List(1i) },
		func() { ArrayOf("x") },
		func() { ArrayOf(1.5, 1) },
	} {
		if msg := panicOf(f); !strings.HasPrefix(msg, "phpserialize: ") {
			t.Errorf("the sentence is %q", msg)
		}
	}
}

func TestWhatIsTooDeepIsNotWritten(t *testing.T) {
	a := NewArray()
	deepest := a
	for range 200 {
		deepest.Set("x", NewArray())
		deepest = deepest.Array("x")
	}
	if _, err := Marshal(a); !errors.Is(err, ErrTooDeep) {
		t.Errorf("Marshal: %v", err)
	}
	if _, err := AppendJSON(nil, a); !errors.Is(err, ErrTooDeep) {
		t.Errorf("AppendJSON: %v", err)
	}
	if _, err := From(a); !errors.Is(err, ErrTooDeep) {
		t.Errorf("From: %v", err)
	}
}

func TestPiecesMakeTheSameBytes(t *testing.T) {
	b := AppendArrayHead(nil, 3)
	b = AppendString(AppendKey(b, KeyOf("7")), "x")
	b = AppendFloat(AppendKey(b, KeyOf("k")), 0.5)
	b = AppendBool(AppendKey(b, KeyOf("b")), false)
	b = AppendArrayEnd(b)
	if want := shown(t, ArrayOf("7", "x", "k", 0.5, "b", false)); string(b) != want {
		t.Errorf("got %s, want %s", b, want)
	}
}

func TestTextIsWhatPHPPrints(t *testing.T) {
	for _, c := range []struct {
		in     any
		want   string
		scalar bool
	}{
		{5, "5", true}, {int64(-5), "-5", true}, {1.5, "1.5", true}, {true, "1", true}, {false, "", true},
		{"x", "x", true}, {[]byte("x"), "x", true}, {1.0, "1", true}, {1e15, "1.0E+15", true},
		{0.1 + 0.2, "0.3", true}, {math.Inf(-1), "-INF", true}, {math.NaN(), "NAN", true},
		{named("x"), "x", true}, {uint8(7), "7", true}, {nil, "", false}, {NewArray(), "", false},
		{[]int{1}, "", false}, {Opaque{}, "", false}, {make(chan int), "", false},
	} {
		if got, scalar := Text(c.in); got != c.want || scalar != c.scalar {
			t.Errorf("%T %v: got %q, %v", c.in, c.in, got, scalar)
		}
	}
}

func TestCastsAreThoseOfPHP(t *testing.T) {
	for _, c := range []struct {
		in any
		s  string
		i  int64
		f  float64
		b  bool
	}{
		{nil, "", 0, 0, false},
		{true, "1", 1, 1, true},
		{false, "", 0, 0, false},
		{int64(42), "42", 42, 42, true},
		{-1.9, "-1.9", -1, -1.9, true},
		{1e300, "1.0E+300", 0, 1e300, true},
		{"42", "42", 42, 42, true},
		{" 12abc", " 12abc", 12, 12, true},
		{"1e3", "1e3", 1000, 1000, true},
		{".5x", ".5x", 0, 0.5, true},
		{"-", "-", 0, 0, true},
		{"abc", "abc", 0, 0, true},
		{"0", "0", 0, 0, false},
		{"", "", 0, 0, false},
		{"99999999999999999999", "99999999999999999999", math.MaxInt64, 1e20, true},
		{List(), "", 0, 0, false},
		{List(1), "", 0, 0, true},
	} {
		a := ArrayOf("v", c.in)
		if a.String("v") != c.s || a.Int("v") != c.i || a.Float("v") != c.f || a.Bool("v") != c.b {
			t.Errorf("%v: %q %d %v %v", c.in, a.String("v"), a.Int("v"), a.Float("v"), a.Bool("v"))
		}
	}
}
