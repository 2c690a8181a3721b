package statusfmt

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

const (
	left  = tw.AlignLeft
	right = tw.AlignRight
)

type column struct {
	head  string
	align tw.Align
}

// table draws rows under their heads with gap blanks between the columns and
// returns the lines without trailing blanks. The first line is the head and
// line n+1 is row n, because cells hold no line breaks (see clean).
func table(cols []column, rows [][]string, gap int) ([]string, error) {
	var buf bytes.Buffer
	heads, aligns := make([]string, len(cols)), make([]tw.Align, len(cols))
	for i, c := range cols {
		heads[i], aligns[i] = c.head, c.align
	}
	t := tablewriter.NewTable(&buf, tableOptions(aligns, gap)...)
	t.Header(heads)
	if err := t.Bulk(rows); err != nil {
		return nil, err
	}
	if err := t.Render(); err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(buf.String(), "\n"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return lines, nil
}

// tableOptions is the manual's style: nothing but blanks between columns, and
// cells exactly as given. East Asian ambiguous characters count as narrow,
// whatever the locale: the library would otherwise ask the environment.
func tableOptions(aligns []tw.Align, gap int) []tablewriter.Option {
	section := tw.CellConfig{
		Padding: tw.CellPadding{Global: tw.Padding{
			Right: strings.Repeat(" ", gap), Overwrite: true,
		}},
		Alignment: tw.CellAlignment{PerColumn: aligns},
	}
	return []tablewriter.Option{
		tablewriter.WithConfig(tablewriter.Config{Header: section, Row: section}),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithEastAsian(tw.Off),
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
		})),
	}
}

// clean makes s safe for a cell and for a terminal: names and last words come
// from authors and may hold escape sequences and line breaks. Invisible
// format characters go, so that what is counted is what is seen.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		case !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, s)
}

// cleanLines is clean for a text of several lines, such as last words.
func cleanLines(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, l := range lines {
		lines[i] = clean(l)
	}
	return strings.Join(lines, "\n")
}

// display is the number of terminal columns s takes.
func display(s string) int { return twwidth.WidthWithOptions(s, twwidth.Options{}) }

// shorten returns s, or its first columns and ".." when it is wider than limit.
func shorten(s string, limit int) string {
	if display(s) <= limit {
		return s
	}
	used := 0
	for i, r := range s {
		w := display(string(r))
		if used+w > limit-2 {
			return s[:i] + ".."
		}
		used += w
	}
	return s
}

// widest is the width of the widest line.
func widest(lines ...string) int {
	n := 0
	for _, l := range lines {
		n = max(n, display(l))
	}
	return n
}
