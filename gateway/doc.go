// Package gateway is the push tier: Gateways hold the clients, BusinessWorkers run
// the code of the author, Registers tell them of each other, and the functions of
// this package send to any client of the cluster from any of its processes. PHP's
// GatewayWorker and GatewayClient may have every one of these parts (wire.md).
package gateway
