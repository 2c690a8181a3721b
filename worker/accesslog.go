package worker

import "net/http"

type accessLog struct{}

func (l *accessLog) addRequest(a *responder, r *http.Request) {}
