package appsgen

import "strings"

// declare turns the start functions of the folder into apps.
func (f *folder) declare() {
	usable := map[string]start{} // by the name of the app
	for _, s := range f.starts {
		if s.flaw != "" {
			continue
		}
		if s.pkg == "main" {
			f.blocked(s.file, s.line, "package main cannot be imported: "+
				"name the package after its folder")
			return
		}
		name := f.appName(s)
		if first, twice := usable[name]; twice {
			f.blocked(s.file, s.line, "func %s is the app %s again, which stands at %s:%d",
				s.fn, name, f.path(first.file), first.line)
			continue
		}
		usable[name] = s
		f.apps = append(f.apps, App{
			Name: name, Package: s.pkg, ImportPath: f.importPath,
			Func: s.fn, File: f.path(s.file), Line: s.line,
		})
	}
	if whole, found := usable[f.name]; !found {
		f.reportFlaws(len(usable) > 0)
	} else if len(usable) > 1 {
		f.blocked(whole.file, whole.line, "func Start stands beside functions for roles: "+
			"keep one Start, or only functions for roles")
	}
}

// reportFlaws tells of functions that look like a start and are none. Beside
// a good Start they are only helpers, and beside a good role a method is.
func (f *folder) reportFlaws(roles bool) {
	for _, s := range f.starts {
		if s.flaw == "" || roles && s.method {
			continue
		}
		f.blocked(s.file, s.line, "func %s %s: it must be func %s(), "+
			"or have a name that does not begin with Start", s.fn, s.flaw, s.fn)
	}
}

// appName is the name of the folder, with the role in lower case behind it.
func (f *folder) appName(s start) string {
	role := strings.TrimPrefix(s.fn, "Start")
	if role == "" {
		return f.name
	}
	return f.name + "/" + strings.ToLower(role)
}
