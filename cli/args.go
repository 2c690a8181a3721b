package cli

import (
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// ordered is a command line in the order that urfave understands: it loses
// flags that stand before a command and takes unknown words for arguments.
type ordered struct {
	globals []string // flags of the program
	command string   // empty: none was given
	flags   []string // flags of the command
	words   []string // arguments of the command
	rest    []string // what follows --, for the apps
}

// argv is the line for urfave, without the rest.
func (o ordered) argv(program string) []string {
	argv := append([]string{program}, o.globals...)
	if o.command != "" {
		argv = append(argv, o.command)
	}
	return append(append(argv, o.flags...), o.words...)
}

// parser sorts the words of one command line.
type parser struct {
	app   *urfave.App
	known []urfave.Flag // of the program and of all commands
	found []foundFlag
	words []string
	rest  []string
}

// foundFlag is one flag as it was given, with its value.
type foundFlag struct {
	name  string   // without dashes
	words []string // as urfave gets it
}

// order takes args apart: flags may stand before or after the command, the
// command is the first word, what follows -- is not looked at.
func order(app *urfave.App, args []string) (ordered, error) {
	p := &parser{app: app, known: slices.Clone(app.Flags)}
	for _, c := range app.Commands {
		p.known = append(p.known, c.Flags...)
	}
	if err := p.sort(args); err != nil {
		return ordered{}, err
	}
	return p.assign()
}

// sort tells flags, words and the rest apart.
func (p *parser) sort(args []string) error {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			p.rest = args
			return nil
		case len(arg) > 1 && arg[0] == '-':
			var err error
			if args, err = p.flag(arg, args); err != nil {
				return err
			}
		default:
			p.words = append(p.words, arg)
		}
	}
	return nil
}

// flag takes one flag, and its value from args when it needs one.
func (p *parser) flag(arg string, args []string) ([]string, error) {
	name, _, valued := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	if isHelp(name) || isVersion(name) {
		p.found = append(p.found, foundFlag{name, []string{"--" + name}})
		return args, nil
	}
	flag := lookup(p.known, name)
	if flag == nil && p.cluster(arg) {
		return args, nil
	}
	if flag == nil {
		return nil, fmt.Errorf("unknown flag: %s%s", arg, p.similarFlag(name))
	}
	given := foundFlag{name, []string{arg}}
	if takesValue(flag) && !valued {
		if len(args) == 0 {
			return nil, fmt.Errorf("%s needs a value", arg)
		}
		if strings.HasPrefix(args[0], "-") {
			return nil, fmt.Errorf("%s needs a value, and %s is a flag", arg, args[0])
		}
		given.words = append(given.words, args[0])
		args = args[1:]
	}
	p.found = append(p.found, given)
	return args, nil
}

// cluster takes -dq as -d -q.
func (p *parser) cluster(arg string) bool {
	if strings.HasPrefix(arg, "--") || len(arg) < 3 {
		return false
	}
	var found []foundFlag
	for _, r := range arg[1:] {
		flag := lookup(p.known, string(r))
		if flag == nil || takesValue(flag) {
			return false
		}
		found = append(found, foundFlag{string(r), []string{"-" + string(r)}})
	}
	p.found = append(p.found, found...)
	return true
}

// assign gives each flag to the program or to the command.
func (p *parser) assign() (ordered, error) {
	line := ordered{rest: p.rest}
	help, err := p.chooseCommand(&line)
	if err != nil {
		return line, err
	}
	var own []urfave.Flag
	if c := p.app.Command(line.command); c != nil {
		own = c.Flags
	}
	for _, f := range p.found {
		switch {
		case isHelp(f.name):
			help = true
		case isVersion(f.name) && (line.command == "" || line.command == "version"):
			line.command = "version"
		case lookup(p.app.Flags, f.name) != nil:
			line.globals = append(line.globals, f.words...)
		case lookup(own, f.name) != nil:
			line.flags = append(line.flags, f.words...)
		case line.command == "" && !help:
			return line, fmt.Errorf("%s needs a command", f.words[0])
		case !help:
			return line, fmt.Errorf("%s has no flag %s", line.command, f.words[0])
		}
	}
	if help {
		line.globals, line.flags, line.words = nil, []string{"--help"}, nil
	}
	return line, nil
}

// chooseCommand finds the command among the words; help is true for "help" and
// "help COMMAND".
func (p *parser) chooseCommand(line *ordered) (help bool, err error) {
	words := p.words
	if len(words) > 0 && words[0] == "help" {
		help, words = true, words[1:]
	}
	if len(words) == 0 {
		return help, nil
	}
	c := p.app.Command(words[0])
	if c == nil {
		return help, fmt.Errorf("unknown command: %s%s", words[0], p.similarCommand(words[0]))
	}
	line.command, words = words[0], words[1:]
	if c.ArgsUsage != "" && len(words) > 0 {
		line.words, words = words[:1], words[1:]
	}
	if len(words) > 0 {
		return help, fmt.Errorf("unexpected argument: %s (arguments of the apps go after --)", words[0])
	}
	return help, nil
}

func (p *parser) similarCommand(word string) string {
	if urfave.SuggestCommand == nil {
		return ""
	}
	similar := urfave.SuggestCommand(p.app.Commands, word)
	if strings.Contains(similar, `""`) {
		return ""
	}
	return ". " + similar
}

func (p *parser) similarFlag(name string) string {
	if urfave.SuggestFlag == nil || len(name) < 2 {
		return ""
	}
	if similar := urfave.SuggestFlag(p.known, name, true); similar != "" {
		return fmt.Sprintf(". "+urfave.SuggestDidYouMeanTemplate, similar)
	}
	return ""
}

// lookup finds the flag with a name; nil when there is none.
func lookup(flags []urfave.Flag, name string) urfave.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func takesValue(f urfave.Flag) bool {
	_, isBool := f.(*urfave.BoolFlag)
	return !isBool
}

func isHelp(name string) bool    { return name == "h" || name == "help" }
func isVersion(name string) bool { return name == "v" || name == "version" }
