// Package appsgen finds the Start functions of the apps in their source and
// writes apps/all.go, the list that main hands to cli.Main. It also makes the
// files of a new app, from templates.
//
// An app is a folder apps/NAME whose start*.go files have func Start(), or
// one function per role: StartGateway becomes the app NAME/gateway. Only
// those files are parsed and nothing is type-checked, so apps are found while
// their other files do not compile. The compiler then tells what is wrong.
//
// The package runs in the command line, never in the master or a worker
// process, and keeps no state between calls.
package appsgen
