package webserver

import (
	"net/http"
	"net/url"
	"path"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// ask is one request on its way through the server.
type ask struct {
	s      *WebServer
	c      *worker.Connection
	r      *http1.Request
	site   *site
	target target
}

// serve is OnRequest.
func (s *WebServer) serve(c *worker.Connection, r *http1.Request) {
	t, ok := resolve(r.Path())
	if !ok {
		_ = c.Send(s.pages.badRequest) // a closed connection needs none
		return
	}
	a := ask{s: s, c: c, r: r, site: s.choose(r), target: t}
	method := r.Method()
	reads := method == http.MethodGet || method == http.MethodHead
	switch {
	case t.hidden && !s.Dotfiles:
		a.notFound()
	case reads && (t.folder || !isPHP(t.name)):
		a.look()
	case a.site.entry != nil:
		a.site.entry(a)
	case reads:
		a.notFound()
	default:
		_ = c.Send(s.pages.methodNotAllowed)
	}
}

// look answers with a file or with what takes its place.
func (a ask) look() {
	if a.target.folder {
		a.index(a.target.name)
		return
	}
	f, err := a.site.source.open(a.target.name)
	switch {
	case err != nil:
		a.without(err)
	case f.response == nil:
		a.redirect()
	default:
		a.send(f)
	}
}

// index answers for the directory name.
func (a ask) index(name string) {
	for _, index := range a.s.Index {
		if name != "" {
			index = name + "/" + index
		}
		if isPHP(index) {
			continue
		}
		f, err := a.site.source.open(index)
		switch {
		case err != nil && reasonOf(err) != missing:
			a.without(err)
			return
		case err == nil && f.response != nil:
			a.send(f)
			return
		}
	}
	a.missing()
}

// without answers where a file cannot be had.
func (a ask) without(err error) {
	pages := &a.s.pages
	switch reasonOf(err) {
	case missing:
		a.missing()
	case outside:
		_ = a.c.Send(pages.badRequest)
	case denied:
		_ = a.c.Send(pages.forbidden)
	default:
		a.s.complain(a.target.name, err)
		_ = a.c.Send(pages.unavailable)
	}
}

// missing answers for a path that no file has.
func (a ask) missing() {
	switch {
	case a.site.entry != nil:
		a.site.entry(a)
	case a.s.Fallback && a.target.name != "" && path.Ext(a.target.name) == "":
		a.target = target{folder: true}
		a.index("")
	default:
		a.notFound()
	}
}

// notFound answers with NotFound, or a short page where the root has none.
func (a ask) notFound() {
	if name := a.s.notFound(); name != "" {
		if f, err := a.site.source.open(name); err == nil && f.response != nil {
			f.response.Status = http.StatusNotFound
			a.send(f)
			return
		}
	}
	_ = a.c.Send(a.s.pages.notFound)
}

// redirect adds the slash behind the name of a directory, without which relative
// links in its index would lead astray. The location is made of the cleaned name:
// "//host" cannot come out of it.
func (a ask) redirect() {
	u := url.URL{Path: "/" + a.target.name + "/", RawQuery: a.r.QueryString()}
	page := a.s.pages.moved
	page.Header = with(a.s.Header, "Location", u.String())
	_ = a.c.Send(&page)
}

// send answers with a file.
func (a ask) send(f found) {
	r := f.response
	r.Compress = a.s.Compress
	switch {
	case len(a.s.Header) == 0:
	case r.Header == nil:
		r.Header = a.s.Header
	default:
		r.Header = merged(r.Header, a.s.Header)
	}
	if err := a.c.Send(r); err != nil {
		f.drop()
		if err != worker.ErrClosed && err != worker.ErrBufferFull { // it is still owed
			a.s.complain(a.target.name, err)
			_ = a.c.Send(a.s.pages.unavailable)
			return
		}
	}
	a.s.broken = false
}

// complain tells the author of a file that could not be served, once until one
// could be: it may be all of them.
func (s *WebServer) complain(name string, err error) {
	if !s.broken {
		s.broken = true
		worker.Log("webserver: %s: %v", name, err)
	}
}
