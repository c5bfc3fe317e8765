package main

import (
	"strings"
)

// variables returns the environment of the job. Whoever owns a machine can read
// all that runs on it, so what is or looks like a secret is refused until its
// sender says that strangers may have it.
func (f *jobFlags) variables(getenv func(string) string) ([]string, error) {
	env := append([]string(nil), f.env...)
	for _, e := range f.env {
		name, value, ok := strings.Cut(e, "=")
		if !ok || strings.HasPrefix(name, "ARTEL_") {
			return nil, usage("like --env SEED=7; ARTEL_ names are taken", "--env %q", clean(e))
		}
		if !f.exposeSecrets && looksSecret(name, value) {
			return nil, usage("leave it out; or give --secrets-to-strangers, if the owners of the machines may have it",
				"--env %s looks like a secret, and a home machine cannot keep a secret from its owner", clean(name))
		}
	}
	for _, s := range f.secrets {
		name, value, given := strings.Cut(s, "=")
		switch {
		case name == "" || strings.HasPrefix(name, "ARTEL_"):
			return nil, usage("like --secret HF_TOKEN, which takes it from this environment", "--secret without a name that is free")
		case !f.exposeSecrets:
			return nil, usage("give the job what may be seen; or add --secrets-to-strangers, if the owners of the machines may have it",
				"--secret %s: a home machine cannot keep a secret from its owner", clean(name))
		case !given:
			if value = getenv(name); value == "" {
				return nil, usage("export it, or give --secret "+clean(name)+"=VALUE", "--secret %s is not set in this environment", clean(name))
			}
		}
		env = append(env, name+"="+value)
	}
	return env, nil
}

// looksSecret knows the usual names and forms of secrets.
func looksSecret(name, value string) bool {
	n := strings.ToUpper(name)
	switch n {
	case "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_DEFAULT_OUTPUT":
		return false
	case "TOKEN", "APIKEY", "PASSWD", "PASSPHRASE":
		return true
	}
	for _, end := range []string{"_TOKEN", "_KEY", "_APIKEY", "_PASSWD", "_PASSPHRASE", "_CREDENTIALS"} {
		if strings.HasSuffix(n, end) {
			return true
		}
	}
	if strings.HasPrefix(n, "AWS_") || strings.Contains(n, "PASSWORD") || strings.Contains(n, "SECRET") {
		return true
	}
	for _, start := range []string{"ghp_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "AKIA", "-----BEGIN "} {
		if strings.HasPrefix(strings.TrimSpace(value), start) {
			return true
		}
	}
	return false
}
