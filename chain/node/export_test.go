package chainnode

// Keeper is the creation code of the test contract.
var Keeper = keeper
