package phpserialize

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

// phpVectors is what PHP has written (testdata/gateway/vectors.json).
type phpVectors struct {
	Serialize []struct {
		JSON string `json:"json"`
		PHP  string `json:"php"`
		Hex  string `json:"hex"`
	} `json:"php_serialize"`
	Merge []struct {
		Session string `json:"session"`
		Merge   string `json:"merge"`
		Result  string `json:"result"`
	} `json:"session_merge"`
	Replies []struct {
		Name    string `json:"name"`
		Hex     string `json:"hex"`
		Payload string `json:"payload"`
	} `json:"query_replies"`
}

func readVectors(t testing.TB) phpVectors {
	t.Helper()
	data, err := os.ReadFile("../../testdata/gateway/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v phpVectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Serialize) < 19 || len(v.Merge) < 6 || len(v.Replies) < 10 {
		t.Fatalf("vectors are missing: %d, %d, %d", len(v.Serialize), len(v.Merge), len(v.Replies))
	}
	return v
}

func TestValuesOfJSONAreWrittenAsPHPWritesThem(t *testing.T) {
	for _, c := range readVectors(t).Serialize {
		v, err := FromJSON(c.JSON)
		if err != nil {
			t.Errorf("%s: %v", c.JSON, err)
			continue
		}
		want, _ := hex.DecodeString(c.Hex)
		if got, err := Marshal(v); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: got %q, %v, want %q", c.JSON, got, err, want)
		}
		back, err := Unmarshal(want)
		if err != nil || !Equal(back, v) {
			t.Errorf("%q: got %v, %v", want, back, err)
		}
	}
}

func TestMergedSessionsAreThoseOfPHP(t *testing.T) {
	for _, c := range readVectors(t).Merge {
		got, err := MergeSession(c.Session, c.Merge)
		if err != nil || got != c.Result {
			t.Errorf("%s + %s:\n got %s, %v\nwant %s", c.Session, c.Merge, got, err, c.Result)
		}
	}
}

func TestAnswersOfPHPComeBackAsTheyWere(t *testing.T) {
	for _, c := range readVectors(t).Replies {
		v, err := UnmarshalReply(c.Payload)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if got, err := Marshal(v); err != nil || string(got) != c.Payload {
			t.Errorf("%s: got %s, %v, want %s", c.Name, got, err, c.Payload)
		}
	}
}

func TestValuesCutAtEveryByteAreRefused(t *testing.T) {
	vectors := readVectors(t)
	var all []string
	for _, c := range vectors.Serialize {
		all = append(all, c.PHP)
	}
	for _, c := range vectors.Replies {
		all = append(all, c.Payload)
	}
	all = append(all, `a:2:{i:0;O:3:"Foo":1:{s:1:"x";r:2;}i:1;C:3:"Bar":2:{ab}}`, `S:3:"\41bc";`)
	for _, whole := range all {
		for n := range len(whole) {
			if v, err := Unmarshal(whole[:n]); err == nil {
				t.Errorf("%q is taken for %v", whole[:n], v)
			}
			if _, err := UnmarshalReply(whole[:n]); err == nil {
				t.Errorf("%q is taken for an answer", whole[:n])
			}
		}
	}
}
