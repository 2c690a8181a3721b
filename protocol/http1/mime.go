package http1

import (
	"strconv"
	"strings"
)

const typeBinary = "application/octet-stream"

// typeOfName is the Content-Type of a file by its extension, empty for one that
// is not known.
func typeOfName(name string) string {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return ""
	}
	ext := name[dot+1:]
	if kind, known := types[ext]; known {
		return kind
	}
	return types[strings.ToLower(ext)]
}

// appendAttachment appends the Content-Disposition with which a browser saves a
// file, RFC 6266: the name for old ones, and the exact one where that is another.
func appendAttachment(b []byte, name string) []byte {
	b = append(b, `attachment; filename="`...)
	plain := true
	for _, r := range name {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '%' {
			r, plain = '_', false
		}
		b = append(b, byte(r))
	}
	b = append(b, '"')
	if plain {
		return b
	}
	b = append(b, "; filename*=UTF-8''"...)
	for i := range len(name) {
		if c := name[i]; c < 0x80 && tokenBytes[c] && strings.IndexByte("*'%", c) < 0 {
			b = append(b, c)
			continue
		}
		b = append(b, '%')
		if name[i] < 0x10 {
			b = append(b, '0')
		}
		b = append(b, strings.ToUpper(strconv.FormatUint(uint64(name[i]), 16))...)
	}
	return b
}

// compressible says that gzip makes something of this type smaller.
func compressible(kind string) bool {
	kind, _, _ = strings.Cut(kind, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	switch kind {
	case typeJSON, "application/javascript", "application/xml", "application/manifest+json",
		"application/x-ndjson", "image/svg+xml", "image/bmp", "image/x-icon", "font/ttf", "font/otf",
		"application/vnd.ms-fontobject", "application/rtf", "application/postscript":
		return true
	case typeEvents:
		return false // each event has to arrive at once
	}
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+xml") ||
		strings.HasSuffix(kind, "+json")
}

// types are those of features.md 28.13, with the names that are registered now.
// The charset of XML stands in the file.
var types = map[string]string{
	"html": typeHTML, "htm": typeHTML, "shtml": typeHTML,
	"css":         "text/css;charset=utf-8",
	"js":          typeScript,
	"mjs":         typeScript,
	"txt":         typeText,
	"log":         typeText,
	"md":          "text/markdown;charset=utf-8",
	"csv":         "text/csv;charset=utf-8",
	"ics":         "text/calendar;charset=utf-8",
	"vcf":         "text/vcard;charset=utf-8",
	"vtt":         "text/vtt;charset=utf-8",
	"mml":         "text/mathml;charset=utf-8",
	"jad":         "text/vnd.sun.j2me.app-descriptor;charset=utf-8",
	"wml":         "text/vnd.wap.wml;charset=utf-8",
	"htc":         "text/x-component;charset=utf-8",
	"xml":         "application/xml",
	"xsl":         "application/xml",
	"xsd":         "application/xml",
	"json":        typeJSON,
	"map":         typeJSON,
	"ndjson":      "application/x-ndjson",
	"jsonld":      "application/ld+json",
	"geojson":     "application/geo+json",
	"webmanifest": "application/manifest+json",
	"atom":        "application/atom+xml",
	"rss":         "application/rss+xml",
	"xhtml":       "application/xhtml+xml",
	"xspf":        "application/xspf+xml",
	"kml":         "application/vnd.google-earth.kml+xml",
	"kmz":         "application/vnd.google-earth.kmz",
	"wasm":        "application/wasm",

	"gif": "image/gif", "png": "image/png", "apng": "image/apng", "webp": "image/webp",
	"jpeg": "image/jpeg", "jpg": "image/jpeg", "avif": "image/avif", "bmp": "image/bmp",
	"tif": "image/tiff", "tiff": "image/tiff", "ico": "image/x-icon", "jng": "image/x-jng",
	"svg": "image/svg+xml", "svgz": "image/svg+xml", "wbmp": "image/vnd.wap.wbmp",
	"heic": "image/heic", "heif": "image/heif", "jxl": "image/jxl",

	"woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf", "otf": "font/otf",
	"eot": "application/vnd.ms-fontobject",

	"mid": "audio/midi", "midi": "audio/midi", "kar": "audio/midi", "mp3": "audio/mpeg",
	"ogg": "audio/ogg", "oga": "audio/ogg", "opus": "audio/ogg", "m4a": "audio/mp4",
	"aac": "audio/aac", "flac": "audio/flac", "wav": "audio/wav", "weba": "audio/webm",
	"ra": "audio/x-realaudio",

	"mp4": "video/mp4", "m4v": "video/mp4", "mpeg": "video/mpeg", "mpg": "video/mpeg",
	"mov": "video/quicktime", "webm": "video/webm", "ogv": "video/ogg", "flv": "video/x-flv",
	"mng": "video/x-mng", "asx": "video/x-ms-asf", "asf": "video/x-ms-asf",
	"wmv": "video/x-ms-wmv", "avi": "video/x-msvideo", "mkv": "video/x-matroska",
	"3gpp": "video/3gpp", "3gp": "video/3gpp", "ts": "video/mp2t",
	"m3u8": "application/vnd.apple.mpegurl",

	"pdf": "application/pdf", "ps": "application/postscript", "eps": "application/postscript",
	"ai": "application/postscript", "rtf": "application/rtf", "epub": "application/epub+zip",
	"doc": "application/msword", "xls": "application/vnd.ms-excel",
	"ppt":  "application/vnd.ms-powerpoint",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"odt":  "application/vnd.oasis.opendocument.text",
	"ods":  "application/vnd.oasis.opendocument.spreadsheet",
	"odp":  "application/vnd.oasis.opendocument.presentation",
	"odg":  "application/vnd.oasis.opendocument.graphics",

	"zip": "application/zip", "gz": "application/gzip", "tgz": "application/gzip",
	"tar": "application/x-tar", "bz2": "application/x-bzip2", "xz": "application/x-xz",
	"zst": "application/zstd", "7z": "application/x-7z-compressed",
	"rar": "application/vnd.rar", "jar": "application/java-archive",
	"war": "application/java-archive", "ear": "application/java-archive",
	"hqx": "application/mac-binhex40", "sit": "application/x-stuffit",
	"rpm": "application/x-redhat-package-manager", "cco": "application/x-cocoa",
	"jardiff": "application/x-java-archive-diff", "jnlp": "application/x-java-jnlp-file",
	"run": "application/x-makeself", "pl": "application/x-perl", "pm": "application/x-perl",
	"prc": "application/x-pilot", "pdb": "application/x-pilot",
	"sea": "application/x-sea", "swf": "application/x-shockwave-flash",
	"tcl": "application/x-tcl", "tk": "application/x-tcl",
	"der": "application/x-x509-ca-cert", "pem": "application/x-x509-ca-cert",
	"crt": "application/x-x509-ca-cert", "xpi": "application/x-xpinstall",
	"wmlc": "application/vnd.wap.wmlc",
}

const (
	typeScript = "text/javascript;charset=utf-8"
	typeText   = "text/plain;charset=utf-8"
)
