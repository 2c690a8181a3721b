package phpserialize

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestFormsThatPHPReadsAreRead(t *testing.T) {
	for in, want := range map[string]string{
		`i:+5;`: `i:5;`, `i:-0;`: `i:0;`, `i:007;`: `i:7;`,
		`i:-9223372036854775808;`: `i:-9223372036854775808;`,
		`d:1;`:                    `d:1;`, `d:.5;`: `d:0.5;`, `d:5.;`: `d:5;`, `d:1e3;`: `d:1000;`,
		`d:+1.5;`: `d:1.5;`, `d:-.5;`: `d:-0.5;`, `d:1E5;`: `d:100000;`, `d:1.e3;`: `d:1000;`,
		`d:0.10000000000000001;`: `d:0.1;`, `d:1e999;`: `d:INF;`,
		`d:-INF;`: `d:-INF;`, `d:NAN;`: `d:NAN;`,
		`s:01:"a";`: `s:1:"a";`, `S:3:"\41bc";`: `s:3:"Abc";`, `S:1:"\fF";`: "s:1:\"\xff\";",
		`a:01:{i:0;N;}`: `a:1:{i:0;N;}`, `a:1:{s:1:"5";N;}`: `a:1:{i:5;N;}`,
		`a:1:{S:1:"\41";N;}`:                 `a:1:{s:1:"A";N;}`,
		`a:2:{i:0;i:1;i:0;i:2;}`:             `a:1:{i:0;i:2;}`,
		`a:3:{i:1;i:1;s:1:"x";N;i:1;i:2;}`:   `a:2:{i:1;i:2;s:1:"x";N;}`,
		`a:2:{s:1:"a";i:1;s:1:"b";R:2;}`:     `a:2:{s:1:"a";i:1;s:1:"b";i:1;}`,
		`a:2:{i:0;a:1:{i:0;i:5;}i:1;R:2;}`:   `a:2:{i:0;a:1:{i:0;i:5;}i:1;a:1:{i:0;i:5;}}`,
		`a:3:{i:0;i:1;i:0;i:2;i:5;R:2;}`:     `a:2:{i:0;i:2;i:5;i:2;}`,
		`a:2:{i:0;E:4:"Su:H";i:1;r:2;}`:      `a:2:{i:0;E:4:"Su:H";i:1;E:4:"Su:H";}`,
		`a:2:{i:0;E:4:"Su:H";i:1;R:2;}`:      `a:2:{i:0;E:4:"Su:H";i:1;E:4:"Su:H";}`,
		`a:2:{i:0;s:4:"r:2;";i:1;s:2:"R:";}`: `a:2:{i:0;s:4:"r:2;";i:1;s:2:"R:";}`,
		`a:5:{i:0;i:1;i:1;i:5;i:2;R:3;i:3;i:6;i:4;R:4;}`: "" +
			`a:5:{i:0;i:1;i:1;i:5;i:2;i:5;i:3;i:6;i:4;i:6;}`,
	} {
		v, err := Unmarshal(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := shown(t, v); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestWhatIsNoValueIsRefused(t *testing.T) {
	for _, in := range []string{
		``, `;`, `N`, `n;`, `b:2;`, `b:01;`, `b:;`, `i:;`, `i: 5;`, `i:5`, `i:5.0;`, `i:0x5;`, `i:1_0;`,
		`i:9223372036854775808;`, `i:-9223372036854775809;`, `d:;`, `d:.;`, `d:1e;`, `d:inf;`, `d:+INF;`,
		`d:-NAN;`, `d:0x1;`, `d:1_0;`, `d:nan;`, `d: 1;`, `d:1e1.5;`, `d:--1;`,
		`s:1:"ab";`, `s:2:"a";`, `s:-1:"";`, `s:+1:"a";`, `s:1:"a"`, `s:1:'a';`, `s:1"a";`, `s::"a";`,
		`s:99999999999999999999:"a";`, `s:9223372036854775807:"a";`, `S:1:"\4";`, `S:1:"\zz";`,
		`S:2:"a";`,
		`a:1:{}`, `a:0:{`, `a:0:}`, `a:0{}`, `a:0:{};`, `a:-1:{}`, `a:+1:{i:0;N;}`, `a:1:{i:0;}`,
		`a:1:{N;N;}`,
		`a:1:{b:1;N;}`, `a:1:{i:0;N;`, `a:2:{i:0;N;}`,
		`a:0:{i:0;N;}`, `a:1:{a:0:{}N;}`, `a:1:{d:1;N;}`,
		`a:99999999999:{i:0;N;}`, `a:1000000:{i:0;N;}`, `o:0:{}`,
		`O:8:"stdClass":0:{};`, `O:+8:"stdClass":0:{}`,
		`O:0:"":0:{}`, `O:8:"stdClass":1:{N;N;}`, `O:8:"stdClass":1:{}`, `O:7:"stdClass":0:{}`,
		`O:3:"Foo":5:{`,
		`C:3:"foo":9:{ab}`, `C:3:"foo":2:{ab`, `E:4:"Su:H"`,
		`E:5:"Su:H";`, `E:3:"SuH";`, `x:1;`, `R:1;`, `r:1;`, `i:5;i:6;`,
		`a:2:{i:0;i:1;i:1;R:+2;}`,
	} {
		if v, err := Unmarshal(in); err == nil {
			t.Errorf("%s is taken for %s", in, shown(t, v))
		}
	}
}

func TestReferencesThatCannotBeCopiedAreRefused(t *testing.T) {
	for why, in := range map[string]string{
		"the array itself":               `a:1:{i:0;R:1;}`,
		"an array around it":             `a:1:{i:0;a:1:{i:0;R:2;}}`,
		"nothing yet":                    `a:1:{i:0;R:2;}`,
		"nothing at all":                 `a:2:{i:0;i:1;i:1;R:3;}`,
		"number 0":                       `a:2:{i:0;i:1;i:1;R:0;}`,
		"r to a scalar":                  `a:2:{i:0;i:1;i:1;r:2;}`,
		"r to an array":                  `a:2:{i:0;a:0:{}i:1;r:2;}`,
		"r to an object":                 `a:2:{i:0;O:1:"F":0:{}i:1;r:2;}`,
		"R to an object":                 `a:2:{i:0;O:1:"F":0:{}i:1;R:2;}`,
		"R into an object":               `a:2:{i:0;O:1:"F":1:{s:1:"x";i:1;}i:1;R:3;}`,
		"out of an object":               `a:2:{i:0;i:1;i:1;O:1:"F":1:{s:1:"x";R:2;}}`,
		"r out of an object":             `a:2:{i:0;E:4:"Su:H";i:1;O:1:"F":1:{s:1:"x";r:2;}}`,
		"from one object to another":     `a:2:{i:0;O:1:"F":0:{}i:1;O:1:"F":1:{s:1:"x";r:2;}}`,
		"an object that refers forward":  `O:1:"F":1:{s:1:"x";r:2;}`,
		"behind a class with own format": `a:3:{i:0;C:1:"F":1:{x}i:1;i:1;i:2;R:3;}`,
		"inside such a class":            `C:1:"F":4:{r:1;}`,
		"an array with such a reference": `a:2:{i:0;a:2:{i:0;i:7;i:1;a:1:{i:0;R:2;}}i:1;i:1;}`,
	} {
		if v, err := Unmarshal(in); !errors.Is(err, ErrReference) {
			t.Errorf("%s: %s is %v, %v", why, in, v, err)
		}
	}
}

func TestLimitsHold(t *testing.T) {
	nest := func(n int) string {
		return strings.Repeat(`a:1:{i:0;`, n-1) + `a:0:{}` + strings.Repeat(`}`, n-1)
	}
	if _, err := Unmarshal(nest(128)); err != nil {
		t.Errorf("128 arrays in each other: %v", err)
	}
	if _, err := Unmarshal(nest(129)); !errors.Is(err, ErrTooDeep) {
		t.Errorf("129 arrays in each other: %v", err)
	}
	object := strings.ReplaceAll(nest(129), "a:1:", `O:1:"F":1:`)
	if _, err := Unmarshal(object); !errors.Is(err, ErrTooDeep) {
		t.Errorf("129 objects in each other: %v", err)
	}
	few := Limits{Values: 3}
	if _, err := few.Unmarshal(`a:2:{i:0;N;i:1;N;}`); err != nil {
		t.Errorf("3 values: %v", err)
	}
	if _, err := few.Unmarshal(`a:3:{i:0;N;i:1;N;i:2;N;}`); !errors.Is(err, ErrTooMany) {
		t.Errorf("4 values: %v", err)
	}
	if _, err := few.Unmarshal(`O:1:"F":3:{i:0;N;i:1;N;i:2;N;}`); !errors.Is(err, ErrTooMany) {
		t.Errorf("4 values in an object: %v", err)
	}
}

// doubling is an array whose last entry is 2 to the n times its first.
func doubling(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "a:%d:{i:0;a:1:{i:0;s:1:\"x\";}", n+1)
	// Each array is [R first, R second]; its number is that of the one before plus 1,
	// because R items have none.
	last := 2
	for i := range n {
		fmt.Fprintf(&b, "i:%d;a:2:{i:0;R:%d;i:1;R:%d;}", i+1, last, last)
		if last == 2 {
			last = 4
		} else {
			last++
		}
	}
	return b.String() + "}"
}

func TestReferencesCannotBlowUp(t *testing.T) {
	if v, err := Unmarshal(doubling(4)); err != nil || v.(*Array).Len() != 5 {
		t.Errorf("got %v, %v", v, err)
	}
	if _, err := Unmarshal(doubling(60)); !errors.Is(err, ErrTooMany) {
		t.Errorf("2^60 values: %v", err)
	}
	long := strings.Repeat("x", 1<<20)
	in := fmt.Sprintf(`a:40:{i:0;s:%d:"%s";`, len(long), long)
	for i := 1; i < 40; i++ {
		in += fmt.Sprintf("i:%d;R:2;", i)
	}
	if _, err := Unmarshal(in + "}"); !errors.Is(err, ErrTooMany) {
		t.Errorf("40 MiB of copies: %v", err)
	}
	deep := `a:2:{i:0;` + strings.Repeat(`a:1:{i:0;`, 100) + `N;` + strings.Repeat(`}`, 100)
	deep += `i:1;` + strings.Repeat(`a:1:{i:0;`, 100) + `R:2;` + strings.Repeat(`}`, 100) + `}`
	if _, err := Unmarshal(deep); !errors.Is(err, ErrTooDeep) {
		t.Errorf("a copy 200 deep: %v", err)
	}
}

func TestAnswersMayHaveBytesBehindThem(t *testing.T) {
	if v, err := UnmarshalReply("i:5;\r\n"); err != nil || v != int64(5) {
		t.Errorf("got %v, %v", v, err)
	}
	if _, err := Unmarshal([]byte("i:5;\n")); !errors.Is(err, ErrTrailing) {
		t.Errorf("got %v", err)
	}
}

func TestFloatsHaveTheDigitsOfPHP(t *testing.T) {
	for want, f := range map[string]float64{
		"0.1": 0.1, "0.3333333333333333": 1.0 / 3, "100000000000000": 1e14,
		"10000000000000000": 1e16, "1.0E+17": 1e17, "1.2345678901234568E+17": 123456789012345678,
		"99999999999999980": 99999999999999984, "0.0001": 0.0001, "0.00012": 0.00012,
		"1.0E-5": 1e-5, "1.2E-5": 1.2e-5, "1.5E-7": 1.5e-7, "2.5E+20": 2.5e20,
		"1.7976931348623157E+308": math.MaxFloat64, "5.0E-324": math.SmallestNonzeroFloat64,
		"1": 1, "-0": math.Copysign(0, -1), "0": 0, "-1.5E-10": -1.5e-10,
		"NAN": math.NaN(), "INF": math.Inf(1), "-INF": math.Inf(-1),
	} {
		if got := string(appendDigits(nil, f, 'E')); got != want {
			t.Errorf("%v: got %s, want %s", f, got, want)
		}
	}
}
