package webserver

import (
	"io/fs"
	"net/http"
	"strings"

	"github.com/workerman-go/wm/protocol/http1"
)

// site is what answers for one host.
type site struct {
	host, what string // what is the call that has added it
	dir        string // of AddRoot
	files      fs.FS  // of AddFS

	source source // once it serves
	entry  entry  // or nil
}

// entry answers what no file does.
type entry func(a ask)

// open makes the source.
func (t *site) open() error {
	if t.files != nil {
		t.source = &tree{files: t.files, tags: make(map[string]http.Header)}
		return nil
	}
	f, err := openFolder(t.dir)
	if err == nil {
		t.source = f
	}
	return err
}

// choose returns what answers for the host that a request names; the first root
// where nothing else does.
func (s *WebServer) choose(r *http1.Request) *site {
	if len(s.hosts) > 1 {
		if site := s.hosts[hostName(r.Host())]; site != nil {
			return site
		}
	}
	return s.sites[0]
}

// hostName is host without its port, the brackets of an IPv6 address and a last
// dot, in lower case.
func hostName(host string) string {
	if rest, six := strings.CutPrefix(host, "["); six {
		host, _, _ = strings.Cut(rest, "]")
	} else if strings.Count(host, ":") == 1 { // more are an address without brackets
		host, _, _ = strings.Cut(host, ":")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
