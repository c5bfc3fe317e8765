// Command web is a small web server for tests of services.
//
//	web VERSION        answers /, with the version, and /healthz
//	web VERSION ill    answers 503 to /healthz
//	web VERSION exit   ends at once
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	version, mode := os.Args[1], ""
	if len(os.Args) > 2 {
		mode = os.Args[2]
	}
	if mode == "exit" {
		fmt.Println("this version cannot run")
		os.Exit(3)
	}
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		if mode == "ill" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s of replica %s\n", version, os.Getenv("ARTEL_TASK"))
	})
	fmt.Println("listening")
	fmt.Println(http.ListenAndServe(":8080", nil))
	os.Exit(1)
}
