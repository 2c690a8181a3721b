package wire

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseToAll(t *testing.T) {
	for name, c := range map[string]struct {
		ext  string
		want ToAll
	}{
		"nothing is everybody":        {``, ToAll{}},
		"an empty object is, too":     {`{}`, ToAll{}},
		"object of connections":       {`{"connections":{"1":1,"5":5}}`, only(1, 5)},
		"list of connections":         {`{"connections":[1,2,9]}`, only(1, 2, 9)},
		"order is kept":               {`{"connections":{"9":9,"2":2}}`, only(9, 2)},
		"values count, not keys":      {`{"connections":{"a":4,"b":"7"}}`, only(4, 7)},
		"no connections is nobody":    {`{"connections":[]}`, ToAll{Only: true}},
		"an empty object is nobody":   {`{"connections":{}}`, ToAll{Only: true}},
		"once, however often":         {`{"connections":{"5":5,"6":6,"5":5}}`, only(5, 6)},
		"the highest number":          {`{"connections":[4294967295,0]}`, only(1<<32-1, 0)},
		"exclude goes by key":         {`{"exclude":{"3":30,"5":"x"}}`, ToAll{Exclude: []uint32{3, 5}}},
		"positions of a list are":     {`{"exclude":[7,8]}`, ToAll{Exclude: []uint32{0, 1}}},
		"null excludes nobody":        {`{"exclude":null}`, ToAll{}},
		"white space where JSON does": {" { \"exclude\" :\t[ ] }\r\n", ToAll{}},
	} {
		if got, err := ParseToAll([]byte(c.ext)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
		}
	}
}

func only(ids ...uint32) ToAll { return ToAll{Only: true, Connections: ids} }

// What PHP would send to everybody is refused.
func TestParseToAllTakesNothingUnreadableForEverybody(t *testing.T) {
	for _, ext := range []string{
		` `, `x`, `null`, `5`, `""`, `[1]`, `{`, `{"connections"`, `{"connections":`,
		`{"connections":[1}`, `{"connections":[1,]}`, `{"connections":[1]`, `{"connections":[1]}x`,
		`{"connections":null}`, `{"connections":5}`, `{"connections":[1.0]}`,
		`{"connections":[1e3]}`, `{"connections":[true]}`, `{"connections":[null]}`,
		`{"connections":[[1]]}`, `{"connections":[-1]}`, `{"connections":[4294967296]}`,
		`{"connections":[99999999999999999999]}`, `{"connections":["01"]}`,
		`{"connections":["+1"]}`, `{"connections":["1_0"]}`, `{"connections":[""]}`,
		`{"connections":[01]}`, `{"connections":[-]}`, `{"connections":[1-1]}`,
		`{"Connections":[1]}`, `{"connection":[1]}`, `{"exclude":{"x":1}}`, `{"exclude":5}`,
		`{"exclude":{"5":null}}`, `{"exclude":nul}`, `{'exclude':[]}`, `{"exclude":{5:5}}`,
		"{\"exclude\":{\"5\xff\":5}}", "{\"connections\":[1]}\x00",
	} {
		if got, err := ParseToAll([]byte(ext)); err == nil {
			t.Errorf("%q: %+v, want an error", ext, got)
		}
	}
}

func TestParseToGroup(t *testing.T) {
	for name, c := range map[string]struct {
		ext  string
		want ToGroup
	}{
		"as PHP writes it": {`{"group":["a","b"],"exclude":null}`, groups("a", "b")},
		"integers":         {`{"group":[7,"7",-3],"exclude":null}`, groups("7", "7", "-3")},
		"a list with holes": {
			`{"group":{"0":"a","2":"c"},"exclude":[]}`,
			groups("a", "c"),
		},
		"nobody excluded": {`{"group":["a"]}`, groups("a")},
		"excluded by key": {
			`{"exclude":{"7":7},"group":["a"]}`,
			ToGroup{[]string{"a"}, []uint32{7}},
		},
		"no group": {`{"group":[],"exclude":null}`, ToGroup{}},
		"the highest integer": {
			`{"group":[9223372036854775807]}`,
			groups("9223372036854775807"),
		},
		"last of two counts": {`{"group":["a"],"group":["b"]}`, groups("b")},
		"characters of all kin": {
			`{"group":["\u4f60\/\ud83d\ude00\b\f\n\r\t\"\\é"]}`,
			groups("你/😀\b\f\n\r\t\"\\é"),
		},
	} {
		if got, err := ParseToGroup([]byte(c.ext)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
		}
	}
	for _, ext := range []string{
		``, `{}`, `[]`, `null`, `{"exclude":null}`, `{"group":null}`, `{"group":"a"}`,
		`{"group":[1.5]}`, `{"group":[true]}`, `{"group":[null]}`, `{"group":[["a"]]}`,
		`{"group":[{}]}`, `{"group":[9223372036854775808]}`, `{"group":[-0]}`,
		`{"group":["a]}`, `{"group":["\ud83d"]}`, `{"group":["\ud83dx"]}`, `{"group":["\ude00"]}`,
		`{"group":["\ud83d\u0041"]}`, `{"group":["\u12g4"]}`, `{"group":["\u12`, `{"group":["\x"]}`,
		`{"group":["\`, `{"group":["a` + "\t" + `"]}`, `{"group":["` + "\xff" + `"]}`,
		`{"group":["a"],"more":1}`,
	} {
		if got, err := ParseToGroup([]byte(ext)); err == nil {
			t.Errorf("%q: %+v, want an error", ext, got)
		}
	}
}

func TestParseSelection(t *testing.T) {
	for name, c := range map[string]struct {
		ext  string
		want Selection
	}{
		"everybody": {
			`{"fields":["uid"],"where":[]}`,
			Selection{Fields: []string{"uid"}},
		},
		"where nothing": {
			`{"fields":["uid"],"where":{}}`,
			Selection{Fields: []string{"uid"}},
		},
		"where null": {
			`{"fields":["uid"],"where":null}`,
			Selection{Fields: []string{"uid"}},
		},
		"no where":  {`{"fields":["uid"]}`, Selection{Fields: []string{"uid"}}},
		"no fields": {`{"fields":[],"where":{"uid":[42]}}`, where(nil, by("uid", "42"))},
		"order is kept": {
			`{"fields":["uid"],"where":{"uid":["b","a"],"groups":["c"]}}`,
			uids(by("uid", "b", "a"), by("groups", "c")),
		},
		"ids in their order": {
			`{"fields":["uid"],"where":{"connection_id":{"9":9,"1":1}}}`,
			uids(by("connection_id", "9", "1")),
		},
		"unknown keys stay": {`{"fields":["uid"],"where":{"x":[1]}}`, uids(by("x", "1"))},
		"the last of two": {
			`{"fields":["uid"],"where":{"uid":[1],"x":[],"uid":[2]}}`,
			uids(by("uid", "2"), by("x")),
		},
	} {
		if got, err := ParseSelection([]byte(c.ext)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
		}
	}
	many := ""
	for i := range maxWheres + 1 {
		many += `"` + strings.Repeat("k", i+1) + `":[],`
	}
	for _, ext := range []string{
		``, `[]`, `{}`, `{"where":[]}`, `{"fields":null}`, `{"fields":[[]]}`,
		`{"fields":["uid"],"where":[1]}`,
		`{"fields":["uid"],"where":{"uid":"a"}}`, `{"fields":["uid"],"where":{"uid":[1.5]}}`,
		`{"fields":["uid"],"where":"x"}`, `{"fields":["uid"],"limit":1}`,
		`{"fields":["uid"],"where":{` + strings.TrimSuffix(many, ",") + `}}`,
	} {
		if got, err := ParseSelection([]byte(ext)); err == nil {
			t.Errorf("%q: %+v, want an error", ext, got)
		}
	}
}

func where(fields []string, w ...Where) Selection { return Selection{Fields: fields, Where: w} }

func uids(w ...Where) Selection { return where([]string{"uid"}, w...) }

func by(key string, values ...string) Where { return Where{Key: key, Values: values} }

func groups(list ...string) ToGroup { return ToGroup{Groups: list} }

func TestParseStrings(t *testing.T) {
	for ext, want := range map[string][]string{
		`["42","tom"]`:           {"42", "tom"},
		`["u1",42]`:              {"u1", "42"},
		`{"1":"a","5":"b"}`:      {"a", "b"},
		`[]`:                     nil,
		`{}`:                     nil,
		`[""]`:                   {""},
		"[\"a\x7f\",\"\u00e9\"]": {"a\x7f", "é"},
	} {
		if got, err := ParseStrings([]byte(ext)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, %v, want %q", ext, got, err, want)
		}
	}
	for _, ext := range []string{
		``, `"a"`, `5`, `null`, `[`, `[,]`, `["a" "b"]`, `[false]`, `[1.0]`,
	} {
		if got, err := ParseStrings([]byte(ext)); err == nil {
			t.Errorf("%q: %q, want an error", ext, got)
		}
	}
}

// The bytes of json_encode(["a/b", "é", "😀", "\x7f\x01\x08\x0c\n\r\t\"\\<>&'"]).
func TestStringsAreEscapedAsPHPDoes(t *testing.T) {
	want := `["a\/b","\u00e9","\ud83d\ude00","` + "\x7f" + `\u0001\b\f\n\r\t\"\\<>&'"]`
	got, err := AppendStrings(nil, []string{"a/b", "é", "😀", "\x7f\x01\b\f\n\r\t\"\\<>&'"})
	if err != nil || string(got) != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}

func TestBuildingRefusesWhatCannotBeSent(t *testing.T) {
	bad := []string{"fine", "\xff"}
	if _, err := AppendStrings(nil, bad); !isErr(err, ErrUTF8) {
		t.Errorf("uids: %v", err)
	}
	if _, err := (ToGroup{Groups: bad}).Append(nil); !isErr(err, ErrUTF8) {
		t.Errorf("groups: %v", err)
	}
	if _, err := (Selection{Fields: bad}).Append(nil); !isErr(err, ErrUTF8) {
		t.Errorf("fields: %v", err)
	}
	if _, err := where(nil, Where{"uid", bad}).Append(nil); !isErr(err, ErrUTF8) {
		t.Errorf("values: %v", err)
	}
	if _, err := where(nil, Where{"\xff", nil}).Append(nil); !isErr(err, ErrUTF8) {
		t.Errorf("keys: %v", err)
	}
	for _, id := range []string{"", "x", "-1", "01", "4294967296"} {
		if _, err := where(nil, Where{"connection_id", []string{id}}).Append(nil); err == nil {
			t.Errorf("connection id %q was built", id)
		}
	}
}

func TestNobodyIsNotEverybody(t *testing.T) {
	if got := (ToAll{Only: true}).Append(nil); string(got) != `{"connections":{}}` {
		t.Errorf("nobody: %s", got)
	}
	if got := (ToAll{}).Append(nil); len(got) != 0 {
		t.Errorf("everybody: %s", got)
	}
}
