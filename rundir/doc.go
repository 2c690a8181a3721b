// Package rundir holds the files by which a service is found and read again:
// the run directory, its lock, the pid file, the log, the standard output of
// the processes, and the titles that ps shows. The master makes them, the
// command line looks at them; neither trusts a directory in which somebody
// else could have put them. It is a leaf.
//
// Who a service is, is the lock, held by the master for as long as it lives,
// and its control socket. The pid file is a hint for people and monitors. What
// somebody removes of the three the master makes again; until then its lock, open
// without a name, says who it is.
package rundir
