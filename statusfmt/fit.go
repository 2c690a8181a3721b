package statusfmt

import (
	"fmt"
	"slices"
	"strings"
)

// giving says how a table gives way on a terminal that is narrower than it.
// Columns that are named nowhere stay as they are.
type giving struct {
	leave []string // columns that may be left out, the least missed first
	cut   []string // columns whose cells may be cut short
}

// What remains of a long cell at least: before a column leaves that says
// something, and after all have left.
const (
	longCell  = 32
	shortCell = 12
)

// fitted is a drawn table, and what its width has cost.
type fitted struct {
	lines  []string
	rows   [][]string // the cells of lines[1:]
	silent []string   // left out: had nothing to say
	left   []string   // left out
	cut    []string   // cut short
}

// fit draws rows like table, in width columns. As far as needed, columns that say
// nothing leave, very long cells are cut in the middle, the other columns leave
// as g has it, and cells are cut to little. A width of 0 has room for all.
func fit(cols []column, rows [][]string, gap, width int, g giving) (*fitted, error) {
	n := narrowing{cols: slices.Clone(cols), gap: gap, width: width}
	for _, row := range rows {
		n.rows = append(n.rows, slices.Clone(row))
	}
	n.measure()
	n.leave(g.leave, true)
	n.shorten(g.cut, longCell)
	n.leave(g.leave, false)
	n.shorten(g.cut, shortCell)
	n.cut = slices.DeleteFunc(n.cut, func(head string) bool { return n.find(head) < 0 })
	var err error
	n.lines, err = table(n.cols, n.rows, gap)
	return &n.fitted, err
}

// narrowing is one call of fit.
type narrowing struct {
	fitted
	cols       []column
	widths     []int // of the widest cell of each, the head among them
	gap, width int
}

func (n *narrowing) measure() {
	for i, c := range n.cols {
		w := display(c.head)
		for _, row := range n.rows {
			w = max(w, display(row[i]))
		}
		n.widths = append(n.widths, w)
	}
}

// excess is how many terminal columns are missing.
func (n *narrowing) excess() int {
	if n.width == 0 {
		return 0
	}
	total := -n.gap
	for _, w := range n.widths {
		total += w + n.gap
	}
	return max(total-n.width, 0)
}

// find is the place of a column; -1 when it has been left out.
func (n *narrowing) find(head string) int {
	return slices.IndexFunc(n.cols, func(c column) bool { return c.head == head })
}

// leave removes columns in the order of heads until the rest fits, and those not
// whose place is free then; silent is for columns that say nothing.
func (n *narrowing) leave(heads []string, silent bool) {
	var gone []string
	missing := n.excess()
	for _, head := range heads {
		if i := n.find(head); i >= 0 && missing > 0 && (!silent || n.saysNothing(i)) {
			gone = append(gone, head)
			missing -= n.widths[i] + n.gap
		}
	}
	for k := len(gone) - 1; k >= 0; k-- {
		if needs := n.widths[n.find(gone[k])] + n.gap; missing+needs <= 0 {
			gone = slices.Delete(gone, k, k+1)
			missing += needs
		}
	}
	for _, head := range gone {
		n.remove(n.find(head))
	}
	if silent {
		n.silent = gone
	} else {
		n.left = gone
	}
}

func (n *narrowing) remove(i int) {
	n.cols, n.widths = slices.Delete(n.cols, i, i+1), slices.Delete(n.widths, i, i+1)
	for r := range n.rows {
		n.rows[r] = slices.Delete(n.rows[r], i, i+1)
	}
}

// saysNothing tells whether the column has nothing but zeros.
func (n *narrowing) saysNothing(i int) bool {
	return !slices.ContainsFunc(n.rows, func(row []string) bool {
		return row[i] != "0" && row[i] != "0B" && row[i] != none
	})
}

// shorten takes what is missing from the widest of the columns, one place after
// the other, down to least.
func (n *narrowing) shorten(heads []string, least int) {
	limits := slices.Clone(n.widths)
	for missing := n.excess(); missing > 0; missing-- {
		widest := -1
		for _, head := range heads {
			i := n.find(head)
			if i >= 0 && limits[i] > max(least, display(head)) &&
				(widest < 0 || limits[i] > limits[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		limits[widest]--
	}
	for i, limit := range limits {
		if limit == n.widths[i] {
			continue
		}
		if head := n.cols[i].head; !slices.Contains(n.cut, head) {
			n.cut = append(n.cut, head)
		}
		n.widths[i] = limit
		for _, row := range n.rows {
			row[i] = shortenMiddle(row[i], limit)
		}
	}
}

// note says what is not there; empty when all is.
func (f *fitted) note(width int, all string) string {
	var words []string
	add := func(what string, heads []string) {
		var names []string
		for _, head := range heads {
			names = append(names, strings.TrimSpace(head))
		}
		if len(names) > 0 {
			words = append(words, what+strings.Join(names, ", "))
		}
	}
	add("all 0 and left out: ", f.silent)
	add("left out: ", f.left)
	add("cut short: ", f.cut)
	if len(words) == 0 || len(f.rows) == 0 {
		return "" // without rows there is nothing that could be missing
	}
	return fmt.Sprintf("%d columns: %s; %s shows all", width, strings.Join(words, "; "), all)
}

// shortenMiddle returns s, or its two ends with ".." between when it is wider
// than limit: an address has its port at the end.
func shortenMiddle(s string, limit int) string {
	if display(s) <= limit {
		return s
	}
	runes := []rune(s)
	before, after := 0, len(runes)
	for used, front := 2, true; ; front = !front {
		r := runes[before]
		if !front {
			r = runes[after-1]
		}
		if used += display(string(r)); used > limit {
			return string(runes[:before]) + ".." + string(runes[after:])
		}
		if front {
			before++
		} else {
			after--
		}
	}
}
