package http1

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// phpVariables is what parse_str of PHP 8.2 makes of queries, as json_encode
// prints it.
var phpVariables = []struct{ query, want string }{
	{"a=1&b=2", `{"a":"1","b":"2"}`},
	{"a=1&a=2", `{"a":"2"}`},
	{"a[]=1&a[]=2", `{"a":["1","2"]}`},
	{"a[b]=1", `{"a":{"b":"1"}}`},
	{"a[b][c]=1&a[b][d]=2", `{"a":{"b":{"c":"1","d":"2"}}}`},
	{"a[b][]=1&a[b][]=2", `{"a":{"b":["1","2"]}}`},
	{"a.b=1", `{"a_b":"1"}`},
	{"a b=1", `{"a_b":"1"}`},
	{"a.b[c.d e]=1", `{"a_b":{"c.d e":"1"}}`},
	{"a+b=1", `{"a_b":"1"}`},
	{"a%5B%5D=1&a%5B%5D=2", `{"a":["1","2"]}`},
	{"a[=1", `{"a_":"1"}`},
	{"a[b=1", `{"a_b":"1"}`},
	{"a]=1", `{"a]":"1"}`},
	{"a]b=1", `{"a]b":"1"}`},
	{"[a]=1", `[]`},
	{"[=1", `[]`},
	{"[]=1", `[]`},
	{" a=1", `{"a":"1"}`},
	{"+a=1", `{"a":"1"}`},
	{"a =1", `{"a_":"1"}`},
	{"a=1&a[]=2", `{"a":["2"]}`},
	{"a[]=1&a=2", `{"a":"2"}`},
	{"a[b]=1&a[]=2&a[]=3", `{"a":{"b":"1","0":"2","1":"3"}}`},
	{"a[5]=1&a[]=2", `{"a":{"5":"1","6":"2"}}`},
	{"a[-5]=x&a[]=y", `{"a":{"-5":"x","-4":"y"}}`},
	{"a[05]=x&a[]=y", `{"a":{"05":"x","0":"y"}}`},
	{"a[b]c=1", `{"a":{"b":"1"}}`},
	{"a[b]c[d]=1", `{"a":{"b":"1"}}`},
	{"a[b]c[d=1", `{"a":{"b":"1"}}`},
	{"a[b][c=1", `{"a":{"b":"1"}}`},
	{"a[[b]]=1", `{"a":{"[b":"1"}}`},
	{"a[b[c]]=1", `{"a":{"b[c":"1"}}`},
	{"a[ b]=1", `{"a":{" b":"1"}}`},
	{"a[ ]=1", `{"a":["1"]}`},
	{"a[b ]=1", `{"a":{"b ":"1"}}`},
	{"a=", `{"a":""}`},
	{"a", `{"a":""}`},
	{"=1", `[]`},
	{"&&a=1&&", `{"a":"1"}`},
	{"a%00b=1", `{"a":"1"}`},
	{"a[b%00c]=1", `{"a_b":"1"}`},
	{"a[b][=1", `{"a":{"b":"1"}}`},
	{"a[]b=1", `{"a":["1"]}`},
	{"a[][]=1&a[][]=2", `{"a":[["1"],["2"]]}`},
	{"a[][x]=1&a[][y]=2", `{"a":[{"x":"1"},{"y":"2"}]}`},
	{"a[1]=x&a[0]=y&a[]=z", `{"a":{"1":"x","0":"y","2":"z"}}`},
	{"a%2e=1", `{"a_":"1"}`},
	{".a=1", `{"_a":"1"}`},
	{"..=1", `{"__":"1"}`},
	{"_=1", `{"_":"1"}`},
	{"a[.]=1", `{"a":{".":"1"}}`},
	{"a.[b]=1", `{"a_":{"b":"1"}}`},
	{"a[b].c=1", `{"a":{"b":"1"}}`},
	{"a[b.c=1", `{"a_b_c":"1"}`},
	{"a.b[c.d=1", `{"a_b_c_d":"1"}`},
	{"a%5Bb%5D=c%5Bd%5D", `{"a":{"b":"c[d]"}}`},
	{"a=%zz", `{"a":"%zz"}`},
	{"a=%", `{"a":"%"}`},
	{"a=%4", `{"a":"%4"}`},
	{"a=1;b=2", `{"a":"1;b=2"}`},
	{"a=b=c", `{"a":"b=c"}`},
	{"%61=1", `{"a":"1"}`},
	{"a[%62]=1", `{"a":{"b":"1"}}`},
	{"a%5b[x]=1", `{"a":{"[x":"1"}}`},
	{"a[9223372036854775807]=1&a[]=2", `{"a":{"9223372036854775807":"1"}}`},
	{"a[9223372036854775808]=1&a[]=2", `{"a":{"9223372036854775808":"1","0":"2"}}`},
	{"a[+1]=1", `{"a":{" 1":"1"}}`},
	{"a[-0]=1&a[]=2", `{"a":{"-0":"1","0":"2"}}`},
	{"a[0x1]=1&a[]=2", `{"a":{"0x1":"1","0":"2"}}`},
	{"a[ 1]=1&a[]=2", `{"a":{" 1":"1","0":"2"}}`},
	{"a[1 ]=1&a[]=2", `{"a":{"1 ":"1","0":"2"}}`},
	{"a[1.5]=1&a[]=2", `{"a":{"1.5":"1","0":"2"}}`},
	{"  a b =1", `{"a_b_":"1"}`},
	{"a[b=1&a[b=2", `{"a_b":"2"}`},
	{"a[ b=1", `{"a__b":"1"}`},
	{"a[.b]c.d[e.f=1", `{"a":{".b":"1"}}`},
	{"a[b]=1&a[b]=2", `{"a":{"b":"2"}}`},
	{"a[b]=1&a[b][c]=2", `{"a":{"b":{"c":"2"}}}`},
	{"a[b][c]=1&a[b]=2", `{"a":{"b":"2"}}`},
	{"a[][]=1", `{"a":[["1"]]}`},
	{"%20=1", `[]`},
	{"%00=1", `[]`},
	{"a[%00]=1", `{"a_":"1"}`},
	{"[]a=1", `[]`},
	{"[b][c]=1", `[]`},
	{"a[-5]=x&a[]=y&a[]=z", `{"a":{"-5":"x","-4":"y","-3":"z"}}`},
	{"+ +a=1", `{"a":"1"}`},
	{" \t a=1", `{"\t_a":"1"}`},
	{"\ta=1", `{"\ta":"1"}`},
	{"a[]]=1", `{"a":["1"]}`},
	{"a]]=1", `{"a]]":"1"}`},
	{"a[]=1&a[x]=2&a[]=3", `{"a":{"0":"1","x":"2","1":"3"}}`},
	{"a[3]=p&a[]=q&a[1]=r&a[]=s", `{"a":{"3":"p","4":"q","1":"r","5":"s"}}`},
}

func TestValuesAreThoseOfPHP(t *testing.T) {
	for _, tt := range phpVariables {
		var want any
		if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
			t.Fatal(err)
		}
		if got := parseValues(tt.query); !reflect.DeepEqual(got, arrays(want)) {
			t.Errorf("%q: %v, want %s", tt.query, got, tt.want)
		}
	}
}

// Get goes through the query in another way than Query.
func TestGetAgreesWithQuery(t *testing.T) {
	for _, tt := range phpVariables {
		r := decoded(t, "GET /?"+strings.ReplaceAll(strings.ReplaceAll(tt.query, " ", "+"),
			"\t", "%09")+" HTTP/1.0\r\n\r\n")
		for name := range r.Query() {
			if got, want := r.Get(name, "-"), r.Query().Get(name, "-"); got != want {
				t.Errorf("%q: Get(%q) = %q, want %q", tt.query, name, got, want)
			}
		}
	}
}

func TestValuesReachIntoArrays(t *testing.T) {
	v := parseValues("a[b][c]=1&l[]=x&l[]=y&l[k]=z&l[-1]=w&l[in][x]=v&d.e=2&s=t")
	tests := []struct{ name, want string }{
		{"a[b][c]", "1"},
		{"a[b]", "default"},
		{"a", "default"},
		{"a[b][c][d]", "default"},
		{"l[1]", "y"},
		{"l[]", "default"},
		{"d.e", "2"},
		{"d_e", "2"},
		{"s", "t"},
		{"s[t]", "default"},
		{"", "default"},
		{"[", "default"},
		{"none", "default"},
	}
	for _, tt := range tests {
		if got := v.Get(tt.name, "default"); got != tt.want {
			t.Errorf("Get(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := strings.Join(v.List("l"), " "); got != "w x y z" {
		t.Errorf("List = %q", got)
	}
	if got := v.Values("a[b]"); got.Get("c") != "1" {
		t.Errorf("Values = %v", got)
	}
	if v.Values("s") != nil || v.List("none") != nil {
		t.Error("an array where there is none")
	}
}

func TestVariablesAreBounded(t *testing.T) {
	var query strings.Builder
	for i := range MaxInputVars + 100 {
		fmt.Fprintf(&query, "k%d=1&", i)
	}
	r := decoded(t, "GET /?"+query.String()+" HTTP/1.0\r\n\r\n")
	if got := len(r.Query()); got != MaxInputVars {
		t.Errorf("%d variables, want %d", got, MaxInputVars)
	}
	last := fmt.Sprintf("k%d", MaxInputVars-1)
	behind := fmt.Sprintf("k%d", MaxInputVars)
	if r.Get(last) != "1" || r.Get(behind) != "" {
		t.Error("Get and Query have other bounds")
	}
	for depth, want := range map[int]int{maxInputDepth: 2, maxInputDepth + 1: 1} {
		if got := parseValues("a" + strings.Repeat("[b]", depth) + "=1&c=2"); len(got) != want {
			t.Errorf("depth %d: %d variables, want %d", depth, len(got), want)
		}
	}
}

// Short names and short JSON can ask for many arrays.
func TestArraysAreBounded(t *testing.T) {
	var query strings.Builder
	for i := range MaxInputVars {
		fmt.Fprintf(&query, "k%d%s=1&", i, strings.Repeat("[b]", maxInputDepth))
	}
	v := parseValues(query.String() + "a=1")
	if got, want := len(appendQuery(nil, "", v)), arraysPerVar*MaxInputVars/maxInputDepth; got != want {
		t.Errorf("%d texts, want %d", got, want)
	}
	for n, want := range map[int]int{
		jsonPerVar*MaxInputVars - 1: jsonPerVar * MaxInputVars,
		jsonPerVar * MaxInputVars:   0,
	} {
		r := decoded(t, post("application/json", "["+strings.Repeat("0,", n)+"0]"))
		if got := len(r.Form()); got != want {
			t.Errorf("%d commas: %d values, want %d", n, got, want)
		}
	}
}

// FuzzForm demands that variables written as a query again read as the same, and
// that there are never more than allowed.
func FuzzForm(f *testing.F) {
	for _, tt := range phpVariables {
		f.Add(tt.query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		v := parseValues(query)
		again := appendQuery(nil, "", v)
		if len(again) > MaxInputVars {
			t.Fatalf("%d variables", len(again))
		}
		if got := parseValues(strings.Join(again, "&")); !reflect.DeepEqual(got, v) {
			t.Errorf("%q: %v is read again as %v", query, v, got)
		}
		for name := range v {
			if name == "" || strings.ContainsAny(name, ". [\x00") {
				t.Errorf("variable %q", name)
			}
			v.List(name)
		}
	})
}

// appendQuery appends a variable for each text in v, which lies at path.
func appendQuery(query []string, path string, v Values) []string {
	for key, value := range v {
		if path != "" {
			key = path + "[" + key + "]"
		}
		if inner, ok := value.(Values); ok {
			query = appendQuery(query, key, inner)
			continue
		}
		query = append(query, url.QueryEscape(key)+"="+url.QueryEscape(value.(string)))
	}
	return query
}
