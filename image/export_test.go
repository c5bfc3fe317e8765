package image

// LookupUser is what unpacking asks of an image's files.
var LookupUser = lookupUser
