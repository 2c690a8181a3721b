package http1

import (
	"maps"
	"mime"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// What PHP 8.2 makes of the same headers, but where a row says another thing.
var dispositions = []struct {
	header, name, path string
	isFile             bool
}{
	{`form-data; name=a; filename=b`, "a", "b", true},
	{`form-data; name="a\"b"; filename="c\\d\"e"`, `a"b`, `c\d"e`, true},
	{`form-data; name="ü"; filename="日本.txt"`, "ü", "日本.txt", true},
	{"form-data; name=\"f\"; filename=\"\xe9.txt\"", "f", "\xe9.txt", true},
	{"form-data; name=\"f\"; filename=\"a\tb.txt\"", "f", "a\tb.txt", true},
	{`form-data; name="a%22"; filename="a%22b%0D%0A"`, `a%22`, "a%22b%0D%0A", true},
	{`FORM-DATA; NAME=a; FileName=b`, "a", "b", true},
	{`form-data;name="f";filename="a.txt"`, "f", "a.txt", true},
	{`form-data; name="f"; filename="a;b=c.txt"`, "f", "a;b=c.txt", true},
	{`form-data;; name="f";; filename="a.txt";`, "f", "a.txt", true},
	{`form-data; name="f"; foo; filename="a.txt"`, "f", "a.txt", true},
	{`form-data; name="f"; foo="x;y"; filename="a.txt"`, "f", "a.txt", true},
	{`form-data; name="f"x; filename="a.txt"`, "f", "a.txt", true},
	{`form-data; name="f"; filename="a"; filename="b"`, "f", "b", true},
	{`form-data; name="f"; name="g"; filename="a"`, "g", "a", true},
	{`form-data; name="f"; filename=a"b.txt`, "f", `a"b.txt`, true},
	{`form-data; name="f"; x="a=b"; filename=a=b.txt`, "f", "a=b.txt", true},
	{`form-data; name="f"; filename="C:\(old)\a.txt"`, "f", `C:\(old)\a.txt`, true},
	{`form-data; name="f"; filename=""`, "f", "", true},
	{`form-data; name="f"; filename=`, "f", "", true},
	{`form-data; name="f"; filename="`, "f", "", true},
	{`form-data; name="f"; filename="abc`, "f", "abc", true},
	{`form-data; name="f"; filename`, "f", "", false},
	{`attachment; name="f"; filename="a.txt"`, "f", "a.txt", true},
	{`name="f"; filename="a.txt"`, "f", "a.txt", true},
	{`form-data; filename="a.txt"`, "", "a.txt", true},
	{`form-data; name=""; filename="a.txt"`, "", "a.txt", true},
	{`form-data; name="a`, "a", "", false},
	{`form-data`, "", "", false},
	{``, "", "", false},

	// PHP has other names, and none for blanks around =: clients mean this.
	{`form-data; name="f"; filename="dir\"`, "f", `dir\`, true},
	{`form-data; name="f"; filename="\\h\dir\"; x=y`, "f", `\h\dir\`, true},
	{`form-data; name="f"; filename=a b.txt`, "f", "a b.txt", true},
	{`form-data; name=a b; filename = "c" ; x=y`, "a b", "c", true},
	{"form-data; name =\v\"f\"\f; filename= \"a.txt\" ", "f", "a.txt", true},
	// PHP does not know filename*.
	{`form-data; name="a"; filename*=UTF-8''%e2%82%ac%2Fx.txt`, "a", "€/x.txt", true},
	{`form-data; name="a"; filename="old"; filename*=utf-8'de'%e2%82%ac`, "a", "€", true},
	{`form-data; name="a"; filename*="UTF-8''%41"; filename="old"`, "a", "A", true},
	{`form-data; name="a"; filename="old"; filename*=UTF-8''%zz`, "a", "old", true},
	{`form-data; name="a"; filename="old"; filename*=koi8-r''%e2`, "a", "old", true},
	{`form-data; name="a"; filename*=koi8-r''%e2`, "a", "koi8-r''%e2", true},
	{`form-data; name="a"; filename*=x`, "a", "x", true},
}

func TestNamesOfParts(t *testing.T) {
	for _, tt := range dispositions {
		want := disposition{tt.name, tt.path, tt.isFile}
		if got := readDisposition(tt.header); got != want {
			t.Errorf("%s: %+v, want %+v", tt.header, got, want)
		}
	}
}

// FuzzDisposition compares with package mime, where that accepts the header and
// both agree by intention.
func FuzzDisposition(f *testing.F) {
	for _, tt := range dispositions {
		f.Add(tt.header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		d := readDisposition(header)
		if len(d.name)+len(d.path) > len(header) {
			t.Errorf("%q has become more: %+v", header, d)
		}
		kind, params, err := mime.ParseMediaType(header)
		if err != nil || kind != "form-data" || strings.ContainsAny(header, "\\*") {
			return
		}
		path, isFile := params["filename"]
		if want := (disposition{params["name"], path, isFile}); d != want {
			t.Errorf("%q: %+v, package mime has %+v", header, d, want)
		}
	})
}

// What a client sends is there, under a strange name if need be.
func TestNothingIsLost(t *testing.T) {
	overMemoryAndDisk(t, func(t *testing.T) {
		uploadsTo(t)
		tests := []struct{ disposition, field, file string }{
			{`form-data; name="f"; filename="dir\"`, "f", ""},
			{`form-data; name="f"; filename="C:\dir\a b.txt"`, "f", "a b.txt"},
			{`form-data; name=f; filename=a b.txt`, "f", "a b.txt"},
			{"form-data;\r\n\tname=a;\r\n filename=b", "a", "b"},
			{`form-data; name="f"; filename="a"; filename="../b"`, "f", "b"},
			{`form-data; name="p[]"; filename="a;b.txt"`, "p[0]", "a;b.txt"},
			{`form-data; filename=b`, "", "b"},
			{`form-data; name=""; filename=b`, "", "b"},
			{`form-data; name="[]"; filename=b`, "", "b"},
		}
		for _, tt := range tests {
			header := "content-disposition: " + tt.disposition
			body := part(header, strings.Repeat("x", 100)) + endOfForm
			err := newConn().receive(func(r *Request) {
				got := r.Files()
				if len(got) != 1 {
					t.Errorf("%s: %d files, want one", tt.disposition, len(got))
					return
				}
				if got[0].Field != tt.field || got[0].Name != tt.file ||
					content(t, got[0]) != strings.Repeat("x", 100) {
					t.Errorf("%s: %+v, want %q %q", tt.disposition, got, tt.field, tt.file)
				}
				if tt.field != "" && r.File(tt.field) != got[0] {
					t.Errorf("%s: File has %+v", tt.disposition, r.File(tt.field))
				}
			}, []byte(post(formType, body)))
			if err != nil {
				t.Errorf("%s: %v", tt.disposition, err)
			}
		}
	})
}

func TestNamesOfFields(t *testing.T) {
	r := decoded(t, post(formType, part(`Content-Disposition: form-data; name=a b`, "1")+
		part(`Content-Disposition: form-data; name="a\"b"; x; x`, "2")+
		part(`Content-Disposition: form-data; name="c" ;`, "3")+
		part(`Content-Disposition: form-data; x=1; x=2; name="d"`, "4")+endOfForm))
	want := Values{"a_b": "1", `a"b`: "2", "c": "3", "d": "4"}
	if got := r.Form(); !reflect.DeepEqual(got, want) {
		t.Errorf("fields %q, want %q", slices.Sorted(maps.Keys(got)), want)
	}
}
