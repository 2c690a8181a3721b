package gateway

// distinct is a list without repetitions, in the order in which its elements came
// first. The zero value is empty.
type distinct struct {
	list []string
	seen map[string]bool
}

func (d *distinct) add(s string) {
	if d.seen == nil {
		d.seen = make(map[string]bool)
	}
	if !d.seen[s] {
		d.seen[s] = true
		d.list = append(d.list, s)
	}
}

// once returns what is in lists, each once; nil when nothing is.
func once(lists ...[]string) []string {
	var d distinct
	for _, list := range lists {
		for _, s := range list {
			d.add(s)
		}
	}
	return d.list
}
