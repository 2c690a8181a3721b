package http1

import (
	"fmt"
	"strings"
	"testing"
)

func TestEachQueryKeepsTheOrder(t *testing.T) {
	tests := []struct{ name, query, want string }{
		{"none", "", ""},
		{"as sent", "t=1&b=2&a=3", "t=1 b=2 a=3"},
		{"twice", "a=1&b=2&a=3", "a=1 b=2 a=3"},
		{"lists", "a[]=x&b=1&a[]=y", "a/0=x b=1 a/1=y"},
		{"arrays", "a[k][]=x&a[3]=y&a[]=z", "a/k/0=x a/3=y a/4=z"},
		{"rules of PHP", "a.b=%41&[=1&=2&&c", "a_b=A c="},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := decoded(t, "GET /?"+tt.query+" HTTP/1.1\r\nHost: h\r\n\r\n")
			var got []string
			r.EachQuery(func(keys []string, value string) {
				got = append(got, fmt.Sprintf("%s=%s", strings.Join(keys, "/"), value))
			})
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got %q, want %q", s, tt.want)
			}
		})
	}
}
