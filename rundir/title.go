package rundir

// masterMark is what each master's title has after the name of its program;
// MasterAlive looks for it.
const masterMark = ": master process  start_file="

// MasterTitle is the first argument of a master process, as ps shows it.
// executable is the path of the binary as called.
func MasterTitle(program, executable string) string {
	return escape(program + masterMark + executable)
}

// WorkerTitle is the first argument of a worker process, as ps shows it: the
// name of its Worker and the address, or "none", that it serves.
func WorkerTitle(program, name, listen string) string {
	return escape(program + ": worker process  " + name + " " + listen)
}
