package webserver

import (
	"maps"
	"net/http"
	"strconv"

	"github.com/workerman-go/wm/protocol/http1"
)

// pages are the answers without a file. They are made once: a Response is only
// read.
type pages struct {
	badRequest, forbidden, notFound, methodNotAllowed *http1.Response
	tooLarge, failed, unavailable                     *http1.Response
	moved                                             http1.Response // without its Location
}

func (p *pages) make(header http.Header) {
	p.badRequest = page(http.StatusBadRequest, header)
	p.forbidden = page(http.StatusForbidden, header)
	p.notFound = page(http.StatusNotFound, header)
	p.methodNotAllowed = page(http.StatusMethodNotAllowed, with(header, "Allow", "GET, HEAD"))
	p.tooLarge = page(http.StatusRequestEntityTooLarge, header)
	p.failed = page(http.StatusInternalServerError, header)
	p.unavailable = page(http.StatusServiceUnavailable, header)
	p.moved = *page(http.StatusMovedPermanently, header)
}

// page says its status, as features.md 35.11 has it.
func page(status int, header http.Header) *http1.Response {
	text := strconv.Itoa(status) + " " + http.StatusText(status)
	body := "<!DOCTYPE html>\n<title>" + text + "</title>\n<h1>" + text + "</h1>\n"
	return &http1.Response{Status: status, Header: header, Body: []byte(body)}
}

// with is header and one more.
func with(header http.Header, name, value string) http.Header {
	out := make(http.Header, len(header)+1)
	maps.Copy(out, header)
	out.Set(name, value)
	return out
}

// merged is header and what extra has beside it. Neither is changed.
func merged(header, extra http.Header) http.Header {
	out := make(http.Header, len(header)+len(extra))
	maps.Copy(out, extra)
	maps.Copy(out, header)
	return out
}
