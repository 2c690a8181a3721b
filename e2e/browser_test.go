package e2e

import (
	"testing"
)

// newSite starts the app page.
func newSite(t *testing.T) (s *service, url string) {
	t.Helper()
	address := freeAddress(t)
	s = newService(t, "E2E_PAGE="+address)
	s.start()
	return s, "http://" + address
}

func TestBrowserLoadsAPage(t *testing.T) {
	t.Parallel()
	p := newTab(t)
	_, site := newSite(t)
	p.open(site + "/")
	p.wantText("h1", "A page")
	p.wantText("#script", "run")
	got := value[map[string]any](p, `fetch("/json", {method: "POST"}).then((r) => r.json())`)
	if got["method"] != "POST" {
		t.Errorf("fetch says %v", got)
	}
}
