// Package api is the daemon's local API: JSON over HTTP/1.1 on a unix socket
// that only its owner can open. The CLI, a web page or an SDK drive a node
// through it. Server and Client share the types of this package.
//
//	GET    /v1/version                 what runs here
//	GET    /v1/status                  the node at a glance
//	GET    /v1/network                 network file and hash
//	GET    /v1/chain                   the chain as this node sees it
//	POST   /v1/blobs                   add bytes: {"path": …} on the unix socket, or the bytes themselves
//	POST   /v1/images                  find and pin a container image: {"name": …}, or {"path": …} on the unix socket
//	POST   /v1/quote                   what a job would cost
//	POST   /v1/jobs                    submit a job
//	GET    /v1/kept                    checkpoints that this machine holds
//	GET    /v1/jobs                    list jobs
//	GET    /v1/jobs/{id}               one job and its tasks
//	POST   /v1/jobs/{id}/cancel        end it
//	POST   /v1/jobs/{id}/remove        forget it and what it left
//	POST   /v1/jobs/{id}/visit         look into a running task: the connection becomes frames (Upgrade: artel-visit)
//	GET    /v1/jobs/{id}/events        stream: what happens to it (?after=SEQ)
//	GET    /v1/jobs/{id}/logs          stream: what its tasks print (?task=N&follow=1)
//	GET    /v1/jobs/{id}/files         list of its output files
//	GET    /v1/jobs/{id}/output        tar of its output files (?task=N, repeated)
//	GET    /v1/steward                 the node that drives jobs while this one is away
//	POST   /v1/steward                 name it, or forget it
//	GET    /v1/offers                  offers this node knows
//	POST   /v1/measure                 ask a machine on offer to show its speed
//	GET    /v1/leases                  leases of either side
//	GET    /v1/provide                 the provider's half
//	POST   /v1/provide                 switch it on or change it
//	POST   /v1/provide/stop            switch it off
//	GET    /v1/wallet                  what the account holds
//	GET    /v1/wallet/vouchers         vouchers held and not redeemed in full
//	GET    /v1/wallet/statement        figures of different sources, side by side
//	GET    /v1/wallet/resting          lanes on which money lies for nothing
//	POST   /v1/wallet/{deposit,withdraw,stake,leave,signer,redeem,faucet,recover}
//
// Failures are {"error": {"code", "message", "hint"}} with a fitting status.
// Streams are NDJSON: lines of {"item": …}, and last either {"end": true} or
// {"error": …}; a stream that just stops was torn. The tar stream says the same
// in the trailer Artel-End.
//
// A request with the header Artel-Steward goes on to the steward, over the network.
//
// Over TCP every request needs the bearer token, a Host that is loopback or was
// allowed (a name rebound by DNS is neither) and, where a browser sends an
// Origin, one that was allowed. Whatever changes something needs a JSON content
// type, so no web form can send it. Together: a web page cannot spend money.
package api
