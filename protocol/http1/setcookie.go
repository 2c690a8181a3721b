package http1

import "net/http"

// SetCookie adds a cookie to r and returns r; each is a line of its own. It has
// to be called before r is sent for the first time. The value goes out as it is:
// one with other bytes than a cookie may have (RFC 6265 section 4.1.1; umlauts,
// semicolons, line breaks) has to be encoded by the author, with url.QueryEscape
// for example. A cookie that c.Valid refuses is left out, as a broken header is.
func (r *Response) SetCookie(c *http.Cookie) *Response {
	if c.Valid() != nil {
		return r
	}
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header.Add("Set-Cookie", c.String())
	return r
}
