package webserver

import (
	"io/fs"
	"strings"
	"testing"
)

// refused is what resolve says of a path that is none.
var refused = target{name: "refused"}

var paths = []struct {
	path string
	want target
}{
	{"/", target{folder: true}},
	{"/a.txt", target{name: "a.txt"}},
	{"/dir/", target{name: "dir", folder: true}},
	{"/dir/a%20b", target{name: "dir/a b"}},
	{"/%E4%B8%AD", target{name: "中"}},
	{"/%e4%b8%ad", target{name: "中"}},
	{"/dir/%2E", target{name: "dir", folder: true}},
	{"/dir/.", target{name: "dir", folder: true}},
	{"/dir/sub/..", target{name: "dir", folder: true}},
	{"/dir/sub/../a", target{name: "dir/a"}},
	{"//", target{folder: true}},
	{"//dir///a", target{name: "dir/a"}},
	{"/dir%2Fa", target{name: "dir/a"}},
	{"/a+b", target{name: "a+b"}},
	{"/a...", target{name: "a..."}},
	{"/...", target{name: "...", hidden: true}},

	// out of the root
	{"/..", refused},
	{"/../", refused},
	{"/../etc/passwd", refused},
	{"/dir/../../etc/passwd", refused},
	{"/%2e%2e/etc/passwd", refused},
	{"/%2e%2e%2fetc%2fpasswd", refused},
	{"/.%2e/etc", refused},
	{"/dir/%2e%2e%2f%2e%2e%2fetc", refused},
	{"//../etc", refused},
	{"/./../etc", refused},

	// decoded once
	{"/%252e%252e%252fetc", target{name: "%2e%2e%2fetc"}},
	{"/%25", target{name: "%"}},

	// no paths
	{"/%", refused},
	{"/%2", refused},
	{"/%zz", refused},
	{"/%u002e", refused},
	{"/a%00b", refused},
	{"/..%5cetc", refused},
	{`/..\etc`, refused},
	{`/dir\a`, refused},
	{"/%c0%ae%c0%ae/etc", refused},     // dots in two bytes
	{"/%e0%80%ae%e0%80%ae/", refused},  // in three
	{"/%c0%afetc", refused},            // a slash
	{"/%ff", refused},                  // Latin-1
	{"/\xc0\xae\xc0\xae/etc", refused}, // as they are
	{"/%ed%a0%80", refused},            // half of a surrogate pair

	// hidden
	{"/.git/config", target{name: ".git/config", hidden: true}},
	{"/dir/.env", target{name: "dir/.env", hidden: true}},
	{"/%2eenv", target{name: ".env", hidden: true}},
	{"/dir/%2Ehtaccess", target{name: "dir/.htaccess", hidden: true}},
	{"/dir//.env", target{name: "dir/.env", hidden: true}},
	{"/.well-known/a", target{name: ".well-known/a"}},
	{"/.well-known/", target{name: ".well-known", folder: true}},
	{"/.well-known/.git/config", target{name: ".well-known/.git/config", hidden: true}},
	{"/dir/.well-known/a", target{name: "dir/.well-known/a", hidden: true}},
	{"/.well-known/../.env", target{name: ".env", hidden: true}},
	{"/dir/../.well-known/a", target{name: ".well-known/a"}},
}

func TestPathsAreCleanedOrRefused(t *testing.T) {
	for _, tt := range paths {
		got, ok := resolve(tt.path)
		if !ok {
			got = refused
		}
		if got != tt.want {
			t.Errorf("%q: got %+v, want %+v", tt.path, got, tt.want)
		}
	}
}

func TestPlainPathsAllocateNothing(t *testing.T) {
	n := testing.AllocsPerRun(100, func() { resolve("/dir/file.html") })
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// checkTarget is what is true of every path that is not refused.
func checkTarget(t *testing.T, path string, got target) {
	t.Helper()
	if got.name != "" && !fs.ValidPath(got.name) || got.name == "." {
		t.Errorf("%q became %q", path, got.name)
	}
	if strings.ContainsAny(got.name, "\x00\\") {
		t.Errorf("%q became %q", path, got.name)
	}
	dotted := strings.Contains("/"+strings.TrimPrefix("/"+got.name, "/.well-known"), "/.")
	if dotted && !got.hidden {
		t.Errorf("%q is not hidden", got.name)
	}
}
