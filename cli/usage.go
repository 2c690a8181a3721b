package cli

// The help texts of urfave, in the shape of this program. A tab begins the next
// column.
const (
	flagLine = `{{range $i, $n := .Names}}{{if $i}}, {{end}}` +
		`{{if eq (len $n) 1}}-{{else}}--{{end}}{{$n}}{{end}}`

	programHelp = `{{.Name}} {{.Version}}: {{.Usage}}.

Usage: {{.Name}} COMMAND [FLAGS] [-- ARGUMENTS OF THE APPS]

Commands:
{{range .VisibleCommands}}  {{.Name}}{{if .ArgsUsage}} {{.ArgsUsage}}{{end}}` + "\t" + `{{.Usage}}
{{range .VisibleFlags}}{{if ne (index .Names 0) "help"}}    ` +
		`{{if .TakesValue}}{{.}}{{else}}` + flagLine + "\t" + `{{.GetUsage}}{{end}}
{{end}}{{end}}{{end}}
Flags:
{{range .VisibleFlags}}  {{.}}
{{end}}
Flags may stand before or after the command.
`

	commandHelp = `{{.HelpName}}: {{.Usage}}.

Usage: {{.HelpName}}{{if .ArgsUsage}} {{.ArgsUsage}}{{end}} [FLAGS]

Flags:
{{range .VisibleFlags}}  {{.}}
{{end}}`
)
