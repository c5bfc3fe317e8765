// SPDX-License-Identifier: Apache-2.0

// Package bindings holds the compiled contracts and their Go bindings.
//
// Generated from contracts/ by "make -C contracts generate"; do not edit.
// NAMEMetaData has the ABI and the creation code. NAMERuntime is the code as it
// lies on chain, with zeroes at NAMEImmutables, where the constructor writes.
package bindings
