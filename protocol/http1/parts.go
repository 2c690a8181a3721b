package http1

import (
	"bytes"
	"strings"
)

var (
	// MaxFileUploads is how many parts of a multipart form are looked at; those
	// behind them are ignored (features.md 26.7). Set it in Start.
	MaxFileUploads = 1024
	// MaxUploadMemory is how many bytes the body of a multipart form may have to
	// be held in memory; the files of a larger one go to UploadTmpDir while they
	// come, and its fields together may have as many bytes. Set it in Start.
	MaxUploadMemory = 1 << 20
)

// parts is what has been found of a multipart form.
type parts struct {
	fields, files *table
	uploads       []*Upload
	toDisk        bool // files are written while they come
	count, vars   int  // parts and fields so far
	room          int  // bytes that fields may still have

	// The part under way: a field, a file, or one that is ignored.
	name    string
	value   []byte
	isField bool
	upload  *Upload
}

func newParts(toDisk bool) *parts {
	return &parts{fields: newTable(), files: newTable(), toDisk: toDisk, room: MaxUploadMemory}
}

// begin is the header of a part. One that is no file and has no name is ignored.
func (p *parts) begin(header []byte) error {
	p.upload, p.isField, p.value = nil, false, nil
	if p.count++; p.count > MaxFileUploads {
		return nil
	}
	d := readDisposition(partHeader(header, "content-disposition"))
	p.name = d.name
	switch {
	case d.isFile:
		p.beginFile(d.path, partHeader(header, "content-type"))
		return nil
	case p.name == "":
		return nil
	}
	if p.vars++; p.vars > MaxInputVars {
		return nil
	}
	p.isField = true
	return p.take(len(p.name))
}

func (p *parts) beginFile(path, kind string) {
	base, indexes, ok := splitName(p.name)
	u := newUpload("", path, kind)
	if ok && p.files.set(base, indexes, u) {
		u.Field = base
		for _, index := range indexes {
			u.Field += "[" + index + "]"
		}
	}
	p.upload, p.uploads = u, append(p.uploads, u)
	switch {
	case path == "":
		u.Err = ErrNoUpload
	case p.toDisk:
		u.create()
	}
}

// take counts what fields need.
func (p *parts) take(n int) error {
	if p.room -= n; p.room < 0 && p.toDisk {
		return fieldsTooLarge
	}
	return nil
}

// add is a piece of the content, which lies at offset in the body.
func (p *parts) add(b []byte, offset int) error {
	u := p.upload
	switch {
	case p.isField:
		p.value = append(p.value, b...)
		return p.take(len(b))
	case u == nil || u.Err != nil:
		return nil
	case p.toDisk:
		u.write(b)
	case u.Size == 0:
		u.content = span{offset, offset + len(b)}
	default:
		u.content.to += len(b)
	}
	if u.Err == nil {
		u.Size += int64(len(b))
	}
	return nil
}

// end is the end of a part.
func (p *parts) end() {
	if p.isField {
		if base, indexes, ok := splitName(p.name); ok {
			p.fields.set(base, indexes, string(p.value))
		}
	}
	if p.upload != nil {
		p.upload.done()
	}
	p.upload, p.isField, p.value = nil, false, nil
}

// cut is the end of a body inside a part: a field was not sent, a file not
// completely.
func (p *parts) cut() {
	if p.upload != nil && p.upload.Err == nil {
		p.upload.fail(ErrUploadPartial)
	}
}

// remove deletes the files that were not moved.
func (p *parts) remove() {
	for _, u := range p.uploads {
		u.remove()
	}
}

// partHeader is the value of the first header with that name, unfolded. It takes
// as long as lines are, however often they are folded.
func partHeader(lines []byte, name string) string {
	for len(lines) > 0 {
		var line []byte
		if line, lines, _ = bytes.Cut(lines, crlf); !fold(line[:min(len(name), len(line))], name) {
			continue
		}
		if len(line) == len(name) || line[len(name)] != ':' {
			continue
		}
		value := bytes.Clone(line[len(name)+1:])
		for len(lines) > 0 && (lines[0] == ' ' || lines[0] == '\t') {
			line, lines, _ = bytes.Cut(lines, crlf)
			value = append(value, line...)
		}
		return strings.TrimSpace(string(value))
	}
	return ""
}
