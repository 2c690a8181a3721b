package appsgen

import "testing"

func TestParseModule(t *testing.T) {
	tests := []struct{ src, want string }{
		{"module example.com/mine\n", "example.com/mine"},
		{"module example.com/mine", "example.com/mine"},
		{"// module no\n\nmodule\texample.com/mine // why\r\ngo 1.26\r\n", "example.com/mine"},
		{"go 1.26\nmodule \"example.com/mine\"\n", "example.com/mine"},
		{"module `example.com/mine`\n", "example.com/mine"},
		{"module\"example.com/mine\"\n", "example.com/mine"},
		{"module (\n\n\texample.com/mine // why\n)\n", "example.com/mine"},
		{"modules example.com/no\nmodule a\n", "a"},
		{"", ""},
		{"module\n", ""},
		{"module (\n)\n", ""},
		{"module a b\n", ""},
		{"module \"a\n", ""},
		{"require a v1.0.0\n", ""},
	}
	for _, tt := range tests {
		got, err := parseModule(tt.src)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("parseModule(%q) = %q, %v, want %q", tt.src, got, err, tt.want)
		}
	}
}
