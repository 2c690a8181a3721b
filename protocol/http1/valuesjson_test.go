package http1

import (
	"encoding/json"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

// What json_encode of PHP prints for the same variables, but for the empty array.
func TestValuesAsJSON(t *testing.T) {
	for query, want := range map[string]string{
		"":                    `{}`,
		"a=1":                 `{"a":"1"}`,
		"a[]=1&a[]=2":         `{"a":["1","2"]}`,
		"a[1]=1&a[0]=2":       `{"a":["2","1"]}`,
		"a[1]=1":              `{"a":{"1":"1"}}`,
		"a[]=1&a[x]=2":        `{"a":{"0":"1","x":"2"}}`,
		"a[00]=1":             `{"a":{"00":"1"}}`,
		"a[][]=1&a[][]=2&c=é": `{"a":[["1"],["2"]],"c":"é"}`,
	} {
		r := decoded(t, "GET /?"+query+" HTTP/1.1\r\nHost: a\r\n\r\n")
		got, err := json.Marshal(r.Query())
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v, want %s", query, got, err, want)
		}
	}
	sent, err := protocol.AppendText(nil, Values{"a": "<&>"})
	if want := `{"a":"<&>"}`; err != nil || string(sent) != want {
		t.Errorf("sent as %s, %v, want %s", sent, err, want)
	}
}
